package api

import "net/http"

// loginView is the page that asks for the token.
type loginView struct {
	pageFrame
	Problem string // why the last try failed; empty at the first
	Next    string // where to go then
}

// writeLogin asks for the token. The form posts the fields token and next to
// /login. Status 401 says that the last token was wrong, 429 that there were too
// many.
func writeLogin(w http.ResponseWriter, r *http.Request, status int, next string) {
	v := loginView{pageFrame: newPageFrame(w, r, "login"), Next: next}
	v.Title = v.T("title", v.T("login"), v.T("brand"))
	switch status {
	case http.StatusUnauthorized:
		v.Problem = v.T("login.wrong")
	case http.StatusTooManyRequests:
		v.Problem = v.T("login.slow")
	}
	writePage(w, status, "login.html", v)
}
