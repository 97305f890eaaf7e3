from pathlib import Path
from bstviz.audio import decode, playback
from bstviz.errors import UserError
for p in sorted([*Path("/tmp/cases_work/au").iterdir(),*Path("/work/shared/cases/files").iterdir()]):
    if p.suffix in (".csv",".parquet"): continue
    try:
        s=decode.decode(p); d=p.read_bytes(); pl=playback.playable(d,lambda:(s.samples,s.rate))
        print(f"{p.name:26} {s.seconds:6.2f} dur {decode.duration(p)} {s.format} {s.rate} {'asis' if pl.data is d else 'wav'} {s.notes}")
    except UserError as e: print(f"{p.name:26} REFUSED {str(e)[-200:-90]}")
