package bot

import (
	"context"
	"strings"
	"time"

	"evergreen/internal/text"

	"github.com/disgoorg/snowflake/v2"
)

// Command is one thing people can ask the bot for, by prefix and as a slash
// command alike. docs/commands.md shows how to add one.
type Command struct {
	// Name is what people type: 1 to 32 lower-case letters, digits, "-" or "_".
	Name string
	// Aliases are other names, by prefix only.
	Aliases []string
	// Summary says in one line of at most 100 characters what the command does.
	Summary string
	// Details is what help adds when asked about this command alone. Optional.
	Details string
	// Parameters are the words the command takes, required ones first. By
	// prefix the last parameter takes the rest of the line.
	Parameters []Parameter
	// OwnerOnly keeps the command for the owner of the application.
	OwnerOnly bool
	// Cooldown is how long one user waits between two uses; 0 means
	// Options.Cooldown with its allowance for a few at once.
	Cooldown time.Duration
	// Run answers. It is called on a goroutine of its own and should end when
	// ctx does, at the latest after Options.HandlerTimeout. After a crash it may
	// be called again for the same message; its answer is shown only once. An
	// error or a panic is logged, and the user gets an apology.
	Run func(ctx context.Context, r *Request) (Answer, error)
}

// Parameter is one word a command takes.
type Parameter struct {
	// Name is 1 to 32 lower-case letters, digits, "-" or "_".
	Name string
	// Summary has at most 100 characters.
	Summary  string
	Required bool
}

// Answer is what a command says.
type Answer struct {
	// Text is Markdown of any length; long text is split over messages.
	Text string
	// Private shows the answer to the asker alone, where Discord can: to a slash
	// command that is answered within two seconds.
	Private bool
	// Then is called after the answer was sent, or failed for good. It must not
	// block. Optional.
	Then func()
}

// Request is one use of a command.
type Request struct {
	// ID is the message or the interaction. It stays the same when the request
	// comes again after a crash.
	ID snowflake.ID
	// Channel and Guild are where it was asked; Guild is 0 in a direct message.
	Channel, Guild snowflake.ID
	// User is who asked; UserName is the account's name.
	User     snowflake.ID
	UserName string
	// Prefix is what stands before a command's name in the way that was used.
	Prefix string
	// At is when it was asked, by Discord's clock.
	At time.Time

	bot       *Bot
	arguments map[string]string
}

// Argument returns what was given for a parameter, or "".
func (r *Request) Argument(parameter string) string { return r.arguments[parameter] }

// matches reports whether people may call the command by this name, which is folded.
func (c *Command) matches(folded string) bool {
	if folded == c.Name {
		return true
	}
	for _, alias := range c.Aliases {
		if folded == text.Fold(alias) {
			return true
		}
	}
	return false
}

// usage shows how to call the command.
func (c *Command) usage(prefix string) string {
	usage := prefix + c.Name
	for _, p := range c.Parameters {
		if p.Required {
			usage += " <" + p.Name + ">"
		} else {
			usage += " [" + p.Name + "]"
		}
	}
	return usage
}

// splitArguments assigns the words after the command's name to its parameters, in
// order.
func (c *Command) splitArguments(rest string) map[string]string {
	arguments := make(map[string]string, len(c.Parameters))
	for i, p := range c.Parameters {
		rest = trimBlank(rest)
		if i == len(c.Parameters)-1 {
			arguments[p.Name] = rest
			break
		}
		word := rest
		if end := strings.IndexFunc(rest, text.IsBlank); end >= 0 {
			word = rest[:end]
		}
		arguments[p.Name] = trimBlank(word)
		rest = rest[len(word):]
	}
	return arguments
}

// missingParameter returns the first required parameter that was not given, or nil.
func (c *Command) missingParameter(arguments map[string]string) *Parameter {
	for i := range c.Parameters {
		if p := &c.Parameters[i]; p.Required && arguments[p.Name] == "" {
			return p
		}
	}
	return nil
}
