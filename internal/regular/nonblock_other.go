//go:build !unix

package regular

// nonblock is nothing: elsewhere a path does not lead to a pipe by chance.
const nonblock = 0
