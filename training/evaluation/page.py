"""The page of a report, for Jinja2. It loads nothing from the net: all that it needs lies in its own folder."""

from __future__ import annotations

from typing import Final

__all__ = ["PAGE"]

PAGE: Final = """\
{% macro show(table) %}
<h2>{{ table.title }}</h2>
<div class="wide"><table>
<tr>{% for cell in table.rows[0] %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in table.rows[1:] %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
<p class="note">{{ table.note }}</p>
{% endmacro %}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rackfocus: evaluation</title>
<style>
:root { color-scheme: light; --ink: #22282e; --soft: #5f6b76; --line: #d5dade; --back: #f5f6f7; --accent: #0b6e99; }
body { margin: 0 auto; padding: 24px; max-width: 1500px; color: var(--ink); }
body { font: 15px/1.5 Helvetica, Arial, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 32px 0 8px; }
.note, .said { color: var(--soft); max-width: 100ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-weight: 600; }
.quoted { margin-top: 32px; padding: 4px 20px; background: var(--back); border-left: 4px solid var(--soft); }
.quoted h2 { margin-top: 12px; }
.curves svg { max-width: 100%; height: auto; }
.controls { position: sticky; top: 0; z-index: 1; padding: 10px 0; background: #fffffff2; }
.controls { border-bottom: 1px solid var(--line); }
.controls label { margin-right: 20px; }
.shot { margin: 20px 0 32px; --at: 0; }
.shot h3 { font-size: 15px; margin: 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 8px; }
figure { margin: 0; flex: 1 1 260px; max-width: 416px; }
figcaption { font-size: 13px; display: flex; justify-content: space-between; }
figcaption span { color: var(--soft); }
.book { background-repeat: no-repeat; background-position: 0 calc(var(--at) * 100%); background-color: var(--back); }
input[type=range] { width: 260px; vertical-align: middle; accent-color: var(--accent); }
</style>
</head>
<body>
<h1>Evaluation of a set of clips</h1>
<p class="said">{{ clips }} clips of the set with seed {{ seed }}.
{% for name, version in versions.items() %}
{{ name }}{{ " (" ~ version[:40] ~ ")" if version }}{{ "," if not loop.last else "." }}
{% endfor %}</p>
{% for table in tables %}
{{ show(table) }}
{% endfor %}
<h2>Curves</h2>
<div class="curves">{{ curves | safe }}</div>
<div class="quoted">
{{ show(paper) }}
</div>
<h2>Pictures</h2>
<p class="note">Errors are differences in display values, eight times as bright.</p>
<div class="controls">
<label><input type="checkbox" id="play"> play</label>
<label><input type="checkbox" id="errors"> errors in place of results</label>
<label>frame <input type="range" id="frame" min="0" max="1" step="any" value="0.5"></label>
</div>
{% for shot in shots %}
<section class="shot" data-frames="{{ shot.frames }}">
<h3>{{ shot.title }}</h3>
<div class="said">{{ shot.said }}</div>
<div class="tiles">
{% for tile in shot.tiles %}
<figure>
<div class="book" role="img" aria-label="{{ tile.name }}" data-strip="{{ tile.strip }}" data-errors="{{ tile.errors }}"
 style="aspect-ratio: {{ shot.width }} / {{ shot.height }}; background-size: 100% {{ shot.frames * 100 }}%;"></div>
<figcaption>{{ tile.name }}<span>{{ tile.said }}</span></figcaption>
</figure>
{% endfor %}
</div>
</section>
{% endfor %}
<script>
"use strict";
const play = document.getElementById("play"), errors = document.getElementById("errors");
const slider = document.getElementById("frame"), shots = [...document.querySelectorAll(".shot")];
const seen = new Set();
function turn(shot) {
  // A strip of n frames has n - 1 steps from its first to its last.
  const frames = Number(shot.dataset.frames);
  const index = Math.min(frames - 1, Math.floor(Number(slider.value) * frames));
  shot.style.setProperty("--at", frames > 1 ? index / (frames - 1) : 0);
}
function fill(shot) {
  for (const book of shot.querySelectorAll(".book")) {
    const place = errors.checked && book.dataset.errors ? book.dataset.errors : book.dataset.strip;
    book.style.backgroundImage = `url("${place}")`;
  }
}
const watcher = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (entry.isIntersecting) { seen.add(entry.target); fill(entry.target); turn(entry.target); }
    else seen.delete(entry.target);
  }
}, {rootMargin: "400px"});
shots.forEach(shot => watcher.observe(shot));
slider.addEventListener("input", () => seen.forEach(turn));
errors.addEventListener("change", () => seen.forEach(fill));
setInterval(() => {
  if (!play.checked) return;
  const most = Math.max(...shots.map(shot => Number(shot.dataset.frames)), 1);
  slider.value = (Number(slider.value) + 1 / most) % 1;
  seen.forEach(turn);
}, 125);
</script>
</body>
</html>
"""
