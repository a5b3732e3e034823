package simapi

import (
	_ "embed"
	"net/http"

	"evergreen/internal/web/api"
)

// document describes this API for programs.
//
//go:embed openapi.json
var document []byte

// openapi serves the description.
func (h *Handler) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-cache")
	api.WriteKept(w, r, "application/json", document)
}
