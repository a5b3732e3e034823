//go:build !unix

package host

import "os"

// IsWritable reports whether this user may make files in a folder; here that is not
// known without making one.
func IsWritable(string) bool { return true }

// probeFile tries nothing: what is asked elsewhere is not needed here.
func probeFile(*os.File) (mapping, lock, fileLock error) { return nil, nil, nil }
