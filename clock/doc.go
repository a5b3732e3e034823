// Package clock tells apart what makes time jump: the process stood still, the host
// slept, or the wall clock was set.
//
// A machine has three clocks. The monotonic clock goes on while the process stands
// still (SIGSTOP, a frozen container). The time since the boot goes on while the
// host sleeps as well. The wall clock does both and can be set besides. A [Clock]
// compares them: [Watch.Look] says what happened since the last look, and the other
// methods measure and name moments so that a clock that is set changes neither a
// duration nor an order.
package clock
