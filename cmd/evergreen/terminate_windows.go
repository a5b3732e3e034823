package main

import "os"

// terminate ends a process: Windows has no signal that asks for it.
func terminate(process *os.Process) error { return process.Kill() }
