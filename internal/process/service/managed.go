package service

import (
	"os"

	"github.com/kardianos/service"
)

// Managed reports whether a service manager that wants to be spoken to has
// started this process: that of Windows. Under systemd and launchd a program
// needs no other main.
func Managed() bool { return service.Platform() == Windows && !service.Interactive() }

// Manage runs the program for the service manager of Windows and returns the
// exit code. The channel that run gets is closed when the manager wants the
// program to end. A program that ends with 0, 2 or 78 by itself is reported as
// stopped; with any other code the manager starts it again.
func Manage(run func(stop <-chan struct{}) int) int {
	m := &managed{run: run, stop: make(chan struct{}), ended: make(chan int, 1)}
	under, err := service.New(m, &service.Config{Name: "evergreen"})
	if err != nil {
		return 1
	}
	m.leave = func() { _ = under.Stop() }
	if err := under.Run(); err != nil {
		return 1
	}
	return m.code
}

// managed is the program as the library knows it.
type managed struct {
	run   func(<-chan struct{}) int
	leave func()
	stop  chan struct{}
	ended chan int
	code  int
}

// Start begins the program; the library calls it once.
func (m *managed) Start(service.Service) error {
	go func() {
		code := m.run(m.stop)
		m.ended <- code
		if settled(code) {
			m.leave()
			return
		}
		select {
		case <-m.stop: // it was asked to end, and Stop has its code
		default:
			os.Exit(code) // without a word to the manager, which takes it for a crash
		}
	}()
	return nil
}

// Stop asks the program to end and waits for it, as long as the manager does.
func (m *managed) Stop(service.Service) error {
	close(m.stop)
	m.code = <-m.ended
	return nil
}

// settled reports whether another start would change nothing.
func settled(code int) bool { return code == 0 || code == 2 || code == 78 }
