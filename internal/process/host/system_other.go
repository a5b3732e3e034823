//go:build !linux && !darwin

package host

func bootID() string { return "" }
