package config

import (
	"errors"
	"net/mail"
	"net/url"
	"reflect"
	"strings"
	"unicode"
)

// Addresses are e-mail addresses without names, such as "me@example.org".
type Addresses []string

// parseAddresses reads a list of e-mail addresses.
func parseAddresses(text string) (Addresses, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	list, err := mail.ParseAddressList(strings.ReplaceAll(text, ";", ","))
	if err != nil {
		return nil, errors.New("not a list of e-mail addresses")
	}
	all := make(Addresses, len(list))
	for i, each := range list {
		all[i] = each.Address
	}
	return all, nil
}

// hookAllowed is what the addresses may be that alerts are sent to.
const hookAllowed = "an https or http address"

// checkWebhook limits a secret address. What is wrong is said without the address.
func checkWebhook(get func(*Config) Secret) func(*Config) string {
	return func(c *Config) string {
		text := get(c).Reveal()
		if text == "" {
			return ""
		}
		u, err := url.Parse(text)
		switch {
		case err != nil:
			return "it is not an address"
		case u.Scheme != "http" && u.Scheme != "https":
			return "it does not start with https:// or http://"
		case u.Hostname() == "":
			return "it has no host"
		case u.Fragment != "":
			return "it has a # in it, and what follows would not be sent"
		}
		return checkNoSpace(text)
	}
}

// checkNoSpace limits a text to one word.
func checkNoSpace(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "it contains a space or a control character"
	}
	return ""
}

// cleanStatusURL checks the address of a status page; none is an empty one.
func cleanStatusURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "-" || strings.EqualFold(text, "none") {
		return "", nil
	}
	u, err := parseHTTPAddress(text)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// OfDiscord reports whether an address is one of Discord's own.
func OfDiscord(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == "discord.com" || strings.HasSuffix(host, ".discord.com")
}

// Secrets returns every secret that is set, for redaction; of a proxy, its login. The caller must not print
// them.
func (c Config) Secrets() (all []string) {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		switch field := v.Field(i).Interface().(type) {
		case Secret:
			if !field.Empty() {
				all = append(all, field.Reveal())
			}
		case Proxy:
			all = append(all, field.secrets()...)
		}
	}
	return all
}
