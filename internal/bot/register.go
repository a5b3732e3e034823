package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/snowflake/v2"
	"github.com/go-json-experiment/json"
)

// definition is a slash command as Discord keeps it, reduced to what the bot
// sets. Discord's list and the bot's own, both in this form, can be compared.
type definition struct {
	Type        discord.ApplicationCommandType `json:"type"`
	Name        string                         `json:"name"`
	Description string                         `json:"description"`
	Options     []definitionOption             `json:"options,omitempty"`
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
	text, err := json.Marshal(sorted)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// register replaces Discord's list of slash commands by the bot's. G-142: only if
// they differ, because every replacement may use up some of the 200 creations a
// day. The bot owns the whole list, so commands it does not have are removed.
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
	there, err := b.api.commands(limited, snowflake.ID(app.ID))
	if err != nil {
		return err
	}
	own := definitions(b.commands)
	if fingerprint(there) == fingerprint(own) {
		b.log.Debug("Slash commands are up to date", "commands", len(own))
		return nil
	}
	if err := b.api.replaceCommands(limited, snowflake.ID(app.ID), own); err != nil {
		return err
	}
	var removed []string
	for _, d := range there {
		if !slices.ContainsFunc(own, func(o definition) bool { return o.Name == d.Name && o.Type == d.Type }) {
			removed = append(removed, d.Name)
		}
	}
	b.log.Info("Slash commands registered", "commands", len(own), "removed", removed)
	return nil
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
