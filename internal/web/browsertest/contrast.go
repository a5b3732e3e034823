//go:build browser

package browsertest

// WeakContrasts lists the texts whose contrast with what is behind them is less than
// 4.5 to 1, or 3 to 1 for large ones, as WCAG AA wants it.
func (w *Window) WeakContrasts() []string {
	w.t.Helper()
	return Ask[[]string](w, contrastScript)
}

const contrastScript = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); const unit = c.startsWith("color(") ? 255 : 1; return { rgb: m.slice(0, 3).map((v) => v * unit), a: m.length > 3 ? m[3] : 1 }; };
	const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
	const weak = [];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.textContent.trim() || !e.checkVisibility() || e.closest("noscript, .hidden, .skip, [aria-hidden]")) continue;
		const style = getComputedStyle(e);
		const [a, b] = [light(parse(style.color).rgb), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		const size = parseFloat(style.fontSize);
		if (ratio < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5)) weak.push(ratio.toFixed(2) + " " + texts.currentNode.textContent.trim().slice(0, 40));
	}
	return weak;
})()`
