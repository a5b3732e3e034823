package dashboard

import (
	"embed"

	"evergreen/internal/web/page"
)

//go:embed web
var web embed.FS

// files are the style sheets, the script and the pictures of the pages.
var files = page.NewFiles(web)
