"""How the Overview's own pieces look: its small maps and the tables of headline figures."""

HOME_STYLE = """<style>
.small-map {margin: 0}
.small-map .dots {position: relative; container-type: size; aspect-ratio: 1; width: 100%; max-width: 24rem;
  margin: 0 auto; border-radius: .5rem; overflow: hidden; background: color-mix(in srgb, currentColor 5%, transparent)}
.small-map .dots i {position: absolute; left: -3px; top: -3px; width: 6px; height: 6px; border-radius: 50%;
  background: currentColor; opacity: .85; transform: translate(var(--x), var(--y));
  transition: transform 1.2s ease-in-out}
.small-map.moves .dots i {animation: small-map-arrives 2s .4s ease-in-out backwards}
.small-map.moves:has(input:checked) .dots i {transform: translate(var(--u), var(--v))}
.small-map .legend {display: flex; flex-wrap: wrap; justify-content: center; gap: .1rem .8rem; font-size: .8rem;
  margin: .5rem 0 .3rem}
.small-map .legend i, .headline i {display: inline-block; width: .65rem; height: .65rem; border-radius: 50%;
  margin-right: .35rem}
.small-map label {font-size: .85rem; display: flex; justify-content: center; gap: .4rem; align-items: center;
  cursor: pointer}
.headline {border-collapse: collapse; width: 100%; font-size: .9rem}
.headline :is(th, td) {text-align: left; padding: .3rem .5rem .3rem 0; vertical-align: top; font-weight: 400;
  border: 0 solid color-mix(in srgb, currentColor 14%, transparent); border-bottom-width: 1px}
.headline thead th {font-weight: 600}
.headline small {white-space: nowrap; opacity: .85}
@keyframes small-map-arrives {from {transform: translate(var(--u), var(--v))}}
@media (prefers-reduced-motion: reduce) {.small-map .dots i {animation: none !important; transition: none}}
</style>"""
