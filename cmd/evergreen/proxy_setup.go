package main

import (
	"fmt"
	"strings"

	"evergreen/internal/process/config"
	"evergreen/internal/sidecar"
	"evergreen/internal/text"
)

// proxySetup is evergreen proxy setup.
type proxySetup struct {
	Library string `arg:"" optional:"" help:"The library of your bot, such as discord.js."`

	config.Flags
}

// Run prints the setting.
func (c *proxySetup) Run(p *process) error {
	source := c.Sources(p.environ)
	source.TokenOptional = true
	loaded, err := config.Load(source)
	if err != nil {
		return err
	}
	if c.Library == "" {
		fmt.Fprintf(p.stdout, "Bots connect to %s. What to change for a library:\n\n", gatewayURL(loaded.Config))
		for _, l := range sidecar.Libraries {
			fmt.Fprintf(p.stdout, "  evergreen proxy setup %-12s %s\n", l.Names[0], l.Language)
		}
		return nil
	}
	found, err := findLibrary(c.Library)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, setup(found, loaded.Config))
	return nil
}

// plainName returns what is compared of a library's name: discordpy is discord.py.
func plainName(name string) string {
	return strings.NewReplacer(".", "", "-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// findLibrary finds a library by one of its names.
func findLibrary(name string) (sidecar.Library, error) {
	var names []string
	for _, l := range sidecar.Libraries {
		for _, one := range l.Names {
			if plainName(one) == plainName(name) {
				return l, nil
			}
		}
		names = append(names, l.Names[0])
	}
	hint := ""
	if near := text.Nearest(name, names, min(3, len(name)/2)); near != "" {
		hint = fmt.Sprintf(" Did you mean %s?", near)
	}
	return sidecar.Library{}, &config.Failure{Code: config.ExitUsage, Err: fmt.Errorf("the library %q is not known here.%s", text.Clip(name, 40), hint), Steps: []string{
		"Known are: " + strings.Join(names, ", ") + ".",
		"For another one, look in its documentation for the address of the REST API or the gateway.",
	}}
}

// setup says what to change.
func setup(l sidecar.Library, c config.Config) string {
	parts := append([]string{"# " + l.Names[0] + " (" + l.Language + ")", l.Code(gatewayURL(c))}, setupNotes(l, c)...)
	return strings.Join(parts, "\n\n")
}

// setupNotes are what else there is to know.
func setupNotes(l sidecar.Library, c config.Config) (notes []string) {
	if note := l.Note(gatewayURL(c)); note != "" {
		notes = append(notes, note)
	}
	if l.GatewayOnly {
		notes = append(notes, "Its REST requests go to Discord directly, so PROXY_TOKEN cannot be used with it.")
	} else if !c.ProxyToken.Empty() {
		notes = append(notes, "The bot's token is PROXY_TOKEN, not the real one.")
	}
	return notes
}

// gatewayURL is where a bot on this machine connects, by the settings.
func gatewayURL(c config.Config) string {
	return sidecar.GatewayURL(c.ProxyAddr, c.ProxyURL, c.ProxyTLSCert != "")
}
