package text

// Nearest returns the name with the smallest [Distance] to word, the first of
// several, or "" if none is within limit.
func Nearest(word string, names []string, limit int) string {
	best, least := "", limit+1
	for _, name := range names {
		if d := Distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Distance counts the typing errors between two words: letters left out, added,
// replaced, or swapped with their neighbour (optimal string alignment).
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	// above2, above and row are three lines of the table of all prefixes.
	above2, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], above2[j-2]+1)
			}
		}
		above2, above, row = above, row, above2
	}
	return above[len(y)]
}
