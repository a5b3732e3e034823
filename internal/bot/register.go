package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// definition is a slash command, reduced to what the bot sets. Discord's list and the
// bot's own, both in this form, can be compared: what Discord adds does not count.
type definition struct {
	Type        discord.ApplicationCommandType `json:"type"`
	Name        string                         `json:"name"`
	Description string                         `json:"description"`
	Options     []definitionOption             `json:"options,omitempty"`
}

// isOwned reports whether the bot decides about commands of this type: those that people
// type or choose from a menu. The Entry Point command of an app with an Activity, and
// types that do not exist yet, are somebody else's.
func (d definition) isOwned() bool {
	switch d.Type {
	case 0, discord.ApplicationCommandTypeSlash, discord.ApplicationCommandTypeUser, discord.ApplicationCommandTypeMessage:
		return true
	}
	return false
}

// standingCommand is a command in Discord's list.
type standingCommand struct {
	definition
	raw jsontext.Value // as Discord told it
}

// UnmarshalJSONFrom never fails on a well-formed value: what cannot be read is a command
// that differs from the bot's.
func (c *standingCommand) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	c.raw = raw.Clone()
	if json.Unmarshal(c.raw, &c.definition, lenientJSON) != nil {
		var of struct {
			Type lenient[int]       `json:"type"`
			Name lenient[validText] `json:"name"`
		}
		_ = json.Unmarshal(c.raw, &of, lenientJSON)
		c.definition = definition{Type: discord.ApplicationCommandType(of.Type.Value), Name: string(of.Name.Value)}
	}
	return nil
}

type definitionOption struct {
	Type        discord.ApplicationCommandOptionType `json:"type"`
	Name        string                               `json:"name"`
	Description string                               `json:"description"`
	Required    bool                                 `json:"required,omitzero"`
}

// definitions converts the table of commands to Discord's form.
func definitions(commands []Command) []definition {
	var all []definition
	for _, c := range commands {
		d := definition{Type: discord.ApplicationCommandTypeSlash, Name: c.Name, Description: c.Summary}
		for _, p := range c.Parameters {
			d.Options = append(d.Options, definitionOption{
				Type:        discord.ApplicationCommandOptionTypeString,
				Name:        p.Name,
				Description: p.Summary,
				Required:    p.Required,
			})
		}
		all = append(all, d)
	}
	return all
}

// fingerprint is a hash of the commands that does not depend on their order.
func fingerprint(all []definition) string {
	sorted := slices.Clone(all)
	for i := range sorted {
		// Discord's list leaves out the type of a plain slash command at times.
		sorted[i].Type = max(sorted[i].Type, discord.ApplicationCommandTypeSlash)
	}
	slices.SortFunc(sorted, func(a, b definition) int { return strings.Compare(a.Name, b.Name) })
	text, _ := json.Marshal(sorted) // fails on invalid UTF-8, which Discord does not send
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// register replaces Discord's list of slash commands by the bot's. G-142: only if
// they differ, because every replacement may use up some of the 200 creations a
// day. Slash and menu commands that the bot does not have are removed. Other commands are
// sent along as they are: Discord refuses a list without the Entry Point command of an app
// (50240).
func (b *Bot) register(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	app, _ := b.identity.application()
	if app.ID == 0 {
		var err error
		if app, err = b.fetchApplication(limited); err != nil {
			return err
		}
	}
	own := definitions(b.commands)
	for attempt := 1; ; attempt++ {
		there, err := b.api.commands(limited, snowflake.ID(app.ID))
		if err != nil {
			return err
		}
		var owned []definition
		var kept []jsontext.Value
		for _, c := range there {
			if c.isOwned() {
				owned = append(owned, c.definition)
			} else {
				kept = append(kept, c.raw)
			}
		}
		if fingerprint(owned) == fingerprint(own) {
			b.log.Debug("Slash commands are up to date", "commands", len(own))
			return nil
		}
		err = b.api.replaceCommands(limited, snowflake.ID(app.ID), own, kept)
		if hasCode(err, errorCodeEntryPointMissing) && attempt == 1 {
			continue // it was made since the list was fetched
		}
		if err != nil {
			return err
		}
		var removed []string
		for _, d := range owned {
			if !slices.ContainsFunc(own, func(o definition) bool {
				return o.Name == d.Name && o.Type == max(d.Type, discord.ApplicationCommandTypeSlash)
			}) {
				removed = append(removed, d.Name)
			}
		}
		b.log.Info("Slash commands registered", "commands", len(own), "removed", removed, "kept", len(kept))
		return nil
	}
}

// Unregistered returns the names of the commands that a bot with these options would
// register and that Discord's list has not, or not as they are.
func Unregistered(ctx context.Context, o Options, application snowflake.ID) ([]string, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	there, err := newAPI(o).commands(ctx, application)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, own := range definitions(o.Commands) {
		if !slices.ContainsFunc(there, func(c standingCommand) bool {
			return fingerprint([]definition{c.definition}) == fingerprint([]definition{own})
		}) {
			missing = append(missing, own.Name)
		}
	}
	return missing, nil
}

// errorCodeEntryPointMissing refuses a list of commands without the app's Entry Point
// command.
const errorCodeEntryPointMissing rest.JSONErrorCode = 50240

// refusedInterval is how long after a refusal the commands are registered again: what
// Discord refuses one day, as the 201st creation, it may accept the next.
const refusedInterval = 24 * time.Hour

// keepRegistering registers the slash commands until that is done.
func (b *Bot) keepRegistering(ctx context.Context) {
	for {
		err := b.retryWork(ctx, "Slash commands could not be registered", func(ctx context.Context) error {
			err := b.register(ctx)
			if ctx.Err() == nil {
				b.registration.record(err, time.Now())
			}
			return err
		})
		if err == nil || b.sleepJittered(ctx, refusedInterval) != nil {
			return
		}
	}
}

// registration is how the registration of the slash commands goes.
type registration struct {
	mu     sync.Mutex
	err    error // of the last attempt
	failed time.Time
}

func (r *registration) record(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.failed = now
	}
	r.err = err
}

// registrationPatience is how long a registration may fail for a reason that passes
// before it counts as trouble.
const registrationPatience = time.Minute

// RegistrationTrouble says why the slash commands could not be registered, and since when
// not; nil while they are, while that is not known, or while it fails only for the moment.
func (b *Bot) RegistrationTrouble() (since time.Time, err error) {
	r := &b.registration
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil || temporary(r.err) && time.Since(r.failed) < registrationPatience {
		return time.Time{}, nil
	}
	return r.failed, r.err
}

// warnOfEndpoint warns that Discord sends interactions to a URL instead of the
// gateway (G-150).
func (b *Bot) warnOfEndpoint(app application) {
	if app.Endpoint.Value == "" {
		return
	}
	b.log.Warn("Slash commands will not arrive: the application has an interactions endpoint URL, and Discord sends interactions there instead of to the gateway",
		"url", app.Endpoint.Value, "do", "Remove it at https://discord.com/developers/applications (your application, General Information) unless that is wanted.")
}
