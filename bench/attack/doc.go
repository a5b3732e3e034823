// Package attack runs the program in surroundings that wish it ill and measures what
// that costs: commands answered, memory, and the time to stop.
package attack
