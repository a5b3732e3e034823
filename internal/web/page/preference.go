package page

import (
	"net/http"
	"slices"
)

// Preferences are what a reader has chosen.
type Preferences struct {
	Lang  Lang
	Theme string // one of [Themes]
}

// The cookies that keep them. They have no path of their own, which browsers take
// for the folder of the page, so that pages work below any path of a proxy.
const (
	langCookie  = "evergreen_lang"
	themeCookie = "evergreen_theme"
	// preferenceAge is how long a browser keeps them, in seconds.
	preferenceAge = 365 * 24 * 60 * 60
)

// Themes are the choices of appearance.
func Themes() []string { return []string{"auto", "light", "dark"} }

// ReadPreferences reads language and theme: from the address, and then a cookie
// keeps them, else from the cookie, else from what the browser accepts.
func ReadPreferences(w http.ResponseWriter, r *http.Request) Preferences {
	p := Preferences{Lang: AcceptedLang(r.Header), Theme: "auto"}
	if c, err := r.Cookie(langCookie); err == nil {
		if l, ok := LangOf(c.Value); ok {
			p.Lang = l
		}
	}
	if l, ok := LangOf(r.URL.Query().Get("lang")); ok {
		p.Lang = l
		keep(w, langCookie, l.String())
	}
	if c, err := r.Cookie(themeCookie); err == nil && slices.Contains(Themes(), c.Value) {
		p.Theme = c.Value
	}
	if theme := r.URL.Query().Get("theme"); slices.Contains(Themes(), theme) {
		p.Theme = theme
		keep(w, themeCookie, theme)
	}
	return p
}

func keep(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: preferenceAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
