// Command evergreen keeps a Discord bot's dot green.
//
// Each command is a file here: flags in, settings, wiring, an exit code out.
// What the exit codes mean stands with [config.Exit]: 0 stopped as asked, 1
// unexpected, 2 usage, 78 a human has to mend the settings or the credentials.
package main

import "os"

func main() { os.Exit(standing().execute(os.Args[1:])) }
