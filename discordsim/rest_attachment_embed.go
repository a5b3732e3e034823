package discordsim

import (
	"encoding/json"
	"slices"
	"strings"
)

// attachmentScheme begins the address by which an embed or a component names a file of its
// own message.
const attachmentScheme = "attachment://"

// embedUploads lets embeds and components show the files of their message: attachment://NAME
// becomes the address of that file. Files that are shown there are no longer listed as
// attachments. Only the fields that a draft has are looked at; the others stay as they are.
func (m *Message) embedUploads(d draft) {
	var files []map[string]any
	_ = json.Unmarshal(m.Extra["attachments"], &files) // nothing, or what was made here
	for _, name := range []string{"embeds", "components"} {
		raw, given := d.extra[name]
		if !given {
			continue
		}
		used := []string{}
		if strings.Contains(string(raw), attachmentScheme) {
			var tree any
			_ = json.Unmarshal(raw, &tree) // checked when it was read
			m.setExtra(name, marshal(embedFiles(tree, files, &used)))
		}
		embedded := map[string][]string{name: used}
		for other, ids := range m.embedded {
			if other != name {
				embedded[other] = ids
			}
		}
		m.embedded = embedded
	}
}

// embedFiles replaces the addresses of files in a tree of embeds or components.
func embedFiles(tree any, files []map[string]any, used *[]string) any {
	switch at := tree.(type) {
	case []any:
		for i, inner := range at {
			at[i] = embedFiles(inner, files, used)
		}
	case map[string]any:
		for name, inner := range at {
			address, _ := inner.(string)
			if file := findFile(files, address); file != nil {
				id, _ := file["id"].(string)
				*used = append(*used, id)
				at[name] = file["url"]
				switch {
				case strings.HasPrefix(name, "proxy_"):
				case name == "url":
					for _, field := range []string{"proxy_url", "width", "height", "content_type"} {
						if value, has := file[field]; has {
							at[field] = value
						}
					}
				default:
					at["proxy_"+name] = file["proxy_url"]
				}
				continue
			}
			at[name] = embedFiles(inner, files, used)
		}
	}
	return tree
}

// findFile finds the file that an address of the scheme names.
func findFile(files []map[string]any, address string) map[string]any {
	name, is := strings.CutPrefix(address, attachmentScheme)
	if !is {
		return nil
	}
	if i := slices.IndexFunc(files, func(file map[string]any) bool { return file["filename"] == name }); i >= 0 {
		return files[i]
	}
	return nil
}

// listed are the attachments of a message without those that it shows elsewhere.
func (m *Message) listed(raw json.RawMessage) json.RawMessage {
	if len(m.embedded["embeds"])+len(m.embedded["components"]) == 0 {
		return raw
	}
	var files []map[string]any
	_ = json.Unmarshal(raw, &files) // made here
	return marshal(slices.DeleteFunc(files, func(file map[string]any) bool {
		id, _ := file["id"].(string)
		return slices.Contains(m.embedded["embeds"], id) || slices.Contains(m.embedded["components"], id)
	}))
}
