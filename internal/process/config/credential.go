package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// credentialName is the file in which systemd hands the token over, as in
// LoadCredential=discord_token:/etc/evergreen/token.
const credentialName = "discord_token"

// credential takes the token that the service manager hands over in a file up
// as if DISCORD_TOKEN_FILE had named it, unless the environment does.
func credential(environ values) values {
	folder := strings.TrimSpace(environ["CREDENTIALS_DIRECTORY"].text)
	if folder == "" || strings.TrimSpace(environ["DISCORD_TOKEN_FILE"].text) != "" {
		return environ
	}
	path := filepath.Join(folder, credentialName)
	if _, err := os.Stat(path); err != nil {
		return environ // the service has other credentials
	}
	out := maps.Clone(environ)
	out["DISCORD_TOKEN_FILE"] = value{text: path, origin: Origin{Source: SourceEnvironment}}
	return out
}

// guarded are folders in which something else decides who may read: container
// secrets are readable to all of a container on purpose.
var guarded = []string{"/run/secrets/", "/var/run/secrets/", "/run/credentials/"}

// Exposed names the file with the token if others than its owner may read or
// change it, and says who. Nothing: none may, or it is not known.
func (l *Loaded) Exposed() (path, who string) {
	path = l.Config.TokenFile
	if path == "" && l.Origins["DISCORD_TOKEN"].Source == SourceDotenv {
		path = l.Origins["DISCORD_TOKEN"].File
	}
	if path == "" || runtime.GOOS == "windows" {
		return "", ""
	}
	for _, folder := range guarded {
		if strings.HasPrefix(path, folder) {
			return "", ""
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", ""
	}
	if who = openTo(info.Mode().Perm()); who == "" {
		return "", ""
	}
	return path, who
}

// exposure is Exposed as a warning.
func (l *Loaded) exposure() string {
	path, who := l.Exposed()
	if path == "" {
		return ""
	}
	return fmt.Sprintf("%s, and whoever has the token is the bot; run: chmod 600 %s", who, path)
}

// openTo says who may read a file beside its owner, or change it.
func openTo(mode fs.FileMode) string {
	who := ""
	switch {
	case mode&0o004 != 0:
		who = "every user of this machine can read it"
	case mode&0o022 != 0:
		who = "other users of this machine can change it"
	case mode&0o040 != 0:
		who = "its group can read it"
	default:
		return ""
	}
	return fmt.Sprintf("%s (mode %04o)", who, mode)
}
