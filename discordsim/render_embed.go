package discordsim

import "encoding/json"

// embedFields are what Discord keeps of an embed that a client sends.
var embedFields = []string{"title", "description", "url", "color", "timestamp"}

// renderEmbeds gives embeds back as Discord does: with their type, without fields that a
// client cannot set, and with the addresses of its proxy.
func renderEmbeds(raw json.RawMessage) json.RawMessage {
	var list []map[string]any
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return raw
	}
	out := []any{}
	for _, e := range list {
		shown := map[string]any{"type": "rich"}
		for _, name := range embedFields {
			if e[name] != nil {
				shown[name] = e[name]
			}
		}
		for _, name := range []string{"image", "thumbnail"} {
			if in, ok := e[name].(map[string]any); ok && in["url"] != nil {
				shown[name] = map[string]any{"url": in["url"], "proxy_url": in["url"], "width": 0, "height": 0}
			}
		}
		part := func(name string, fields ...string) {
			in, ok := e[name].(map[string]any)
			if !ok {
				return
			}
			object := map[string]any{}
			for _, field := range fields {
				if in[field] != nil {
					object[field] = in[field]
				}
			}
			if in["icon_url"] != nil {
				object["proxy_icon_url"] = in["icon_url"]
			}
			shown[name] = object
		}
		part("footer", "text", "icon_url")
		part("author", "name", "url", "icon_url")
		if fields, ok := e["fields"].([]any); ok {
			rows := []any{}
			for _, one := range fields {
				if in, ok := one.(map[string]any); ok {
					rows = append(rows, map[string]any{"name": in["name"], "value": in["value"], "inline": in["inline"] == true})
				}
			}
			shown["fields"] = rows
		}
		out = append(out, shown)
	}
	return marshal(out)
}

// renderMessageComponents gives components back as Discord does: each has a number, which the
// client gave or which is the next one that no other component of the message has.
func renderMessageComponents(raw json.RawMessage) json.RawMessage {
	var list []any
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return raw
	}
	given := map[float64]bool{}
	walkComponents(list, func(one map[string]any) {
		if n, is := one["id"].(float64); is {
			given[n] = true
		}
	})
	next := 0.0
	walkComponents(list, func(one map[string]any) {
		if one["id"] != nil && one["id"] != 0.0 {
			return
		}
		for next++; given[next]; next++ {
		}
		one["id"] = next
	})
	return marshal(list)
}

// walkComponents calls a function for each component, those inside others after these.
func walkComponents(at any, do func(map[string]any)) {
	switch one := at.(type) {
	case []any:
		for _, inner := range one {
			walkComponents(inner, do)
		}
	case map[string]any:
		if _, is := one["type"]; is {
			do(one)
		}
		for _, name := range []string{"components", "accessory", "component"} {
			walkComponents(one[name], do)
		}
	}
}
