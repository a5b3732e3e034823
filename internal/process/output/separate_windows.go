package output

import (
	"os"

	"golang.org/x/sys/windows"
)

// separate returns f itself: the runtime asks for the handle of the standard error each
// time. For that one divert changes the handle to nowhere, and back.
func separate(f *os.File) (own *os.File, divert func(away bool), err error) {
	if f != os.Stderr {
		return f, nil, nil
	}
	var null *os.File
	return f, func(away bool) {
		if away {
			if null, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
				_ = windows.SetStdHandle(windows.STD_ERROR_HANDLE, windows.Handle(null.Fd()))
			}
			return
		}
		_ = windows.SetStdHandle(windows.STD_ERROR_HANDLE, windows.Handle(f.Fd()))
		if null != nil {
			_ = null.Close()
		}
	}, nil
}
