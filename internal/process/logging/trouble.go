package logging

import (
	"errors"
	"log/slog"
	"syscall"

	"evergreen/internal/process/output"
	"evergreen/internal/text"
)

// troubleComponent says the lines about the log itself.
const troubleComponent = "Log"

// consoleTrouble tells that the console does not take the log's lines: to the other
// outputs while it lasts, to all of them when it is over.
type consoleTrouble struct {
	file       string // empty without one
	others     *slog.Logger
	everywhere *slog.Logger
}

func (c consoleTrouble) tell(t output.Trouble) {
	goesOn, where := "; the bot goes on without it", "; these lines are lost"
	attrs := []any{}
	if c.file != "" {
		goesOn, where = "; the log goes on in the file alone", "; these lines are only in the log file"
		attrs = append(attrs, "file", c.file)
	}
	switch {
	case t.Over && t.Missed == 0:
		c.everywhere.Info("The console took no output for a while; no line is missing", "for", text.Duration(t.Took))
	case t.Over:
		says := "The console was too slow for the log"
		switch {
		case t.Err != nil:
			says = "The console could not be written for a while"
		case t.Stuck:
			says = "The console took no output for a while"
		}
		c.everywhere.Warn(says+where, append([]any{"for", text.Duration(t.Took), "lines", t.Missed}, attrs...)...)
	case t.Err != nil:
		says := "The console cannot be written"
		if errors.Is(t.Err, syscall.EPIPE) || errors.Is(t.Err, syscall.EIO) || errors.Is(t.Err, syscall.EBADF) {
			says = "The console is gone"
		}
		c.others.Warn(says+goesOn, append(attrs, "error", t.Err)...)
	default:
		c.others.Warn("The console takes no output"+goesOn, attrs...)
	}
}

// fileTrouble tells that the disk hangs under the log file, or did. What the file
// refuses is its own to tell.
type fileTrouble struct {
	file       string
	others     *slog.Logger
	everywhere *slog.Logger
}

func (f fileTrouble) tell(t output.Trouble) {
	switch {
	case t.Over && t.Missed == 0:
		f.everywhere.Info("The log file took no lines for a while; no line is missing", "for", text.Duration(t.Took), "file", f.file)
	case t.Over:
		says := "The log file was too slow for the log; these lines are missing in it"
		if t.Stuck {
			says = "The log file took no lines for a while; these lines are missing in it"
		}
		f.everywhere.Warn(says, "for", text.Duration(t.Took), "lines", t.Missed, "file", f.file)
	case t.Stuck:
		f.others.Warn("The log file takes no lines: the disk hangs; the bot goes on without it", "file", f.file,
			"do", "Check the disk or the network drive, or set LOG_FILE to a path on another.")
	}
}
