// Command evergreen keeps a Discord bot's dot green.
//
// Each command is a file here: flags in, settings, wiring, an exit code out.
// What the exit codes mean stands with [config.Exit]: 0 stopped as asked, 1
// unexpected, 2 usage, 78 a human has to mend the settings or the credentials.
package main

import (
	"io"
	"os"

	"evergreen/internal/process/service"
)

func main() {
	if !service.Managed() {
		os.Exit(newProcess().run(os.Args[1:]))
	}
	os.Exit(service.Manage(func(stop <-chan struct{}) int {
		p := newProcess()
		p.stdout, p.stderr = io.Discard, io.Discard // there is no console
		p.signals = func() (<-chan os.Signal, func()) {
			asked := make(chan os.Signal, 1)
			go func() {
				<-stop
				asked <- os.Interrupt
			}()
			return asked, func() {}
		}
		return p.run(os.Args[1:])
	}))
}
