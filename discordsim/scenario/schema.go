package scenario

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"evergreen/discordsim"
)

// Schema is the JSON Schema of scenario files, made from the Go types.
// docs/scenario.schema.json holds it, for editors.
func Schema() []byte {
	schema := object(reflect.TypeFor[Scenario]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "Evergreen scenario"
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		panic("scenario: the schema cannot be encoded: " + err.Error())
	}
	return out.Bytes()
}

// object is the schema of a struct.
func object(t reflect.Type) map[string]any {
	fields, keys := fieldsOf(t)
	properties, must := map[string]any{}, []string{}
	for i, f := range fields {
		one := schemaOf(f.Type, f)
		one["description"] = f.Tag.Get("says")
		properties[keys[i]] = one
		if f.Tag.Get("must") != "" {
			must = append(must, keys[i])
		}
	}
	schema := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(must) > 0 {
		schema["required"] = must
	}
	if t == reflect.TypeFor[Step]() {
		one := []any{}
		for _, a := range actions {
			one = append(one, map[string]any{"required": []string{a.key}})
		}
		schema["oneOf"] = one
	}
	return schema
}

// schemaOf is the schema of what belongs to a key.
func schemaOf(t reflect.Type, f reflect.StructField) map[string]any {
	switch {
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), f)
	case t == reflect.TypeFor[Span]():
		forms := []any{
			map[string]any{"type": "number", "minimum": 0},
			map[string]any{"type": "string", "pattern": spanPattern},
		}
		if f.Tag.Get("never") != "" {
			forms = append(forms, map[string]any{"const": "never"})
		}
		return map[string]any{"anyOf": forms}
	case t.Kind() == reflect.Struct:
		return object(t)
	case t.Kind() == reflect.Map:
		one := map[string]any{"type": []string{"string", "number", "boolean"}}
		forms := []any{one, map[string]any{"type": "array", "items": one}, object(reflect.TypeFor[valueFile]())}
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"anyOf": forms}}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), f)}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number", "minimum": 0}
	}
	schema := map[string]any{"type": "string"}
	if f.Tag.Get("number") != "" {
		schema["type"] = []string{"string", "integer"}
	}
	if of := strings.Fields(f.Tag.Get("of")); len(of) > 0 {
		schema["enum"] = of
	}
	switch f.Tag.Get("key") {
	case "fault":
		schema["enum"] = discordsim.Faults()
	case "route":
		schema["enum"] = discordsim.Routes()
	}
	return schema
}
