package api

import (
	_ "embed"
	"net/http"
)

// document describes this API for programs.
//
//go:embed openapi.json
var document []byte

// openapi serves the description.
func (s *Server) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-cache")
	WriteKept(w, r, "application/json", document)
}
