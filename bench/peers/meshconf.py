"""wg-meshconf's generation, once for each line that comes in; prints its seconds. Runs in the peers' environment."""

import contextlib
import csv
import io
import pathlib
import shutil
import sys
import time

from wg_meshconf.database_manager import KEY_TYPE, DatabaseManager
from wg_meshconf.wireguard import WireGuard

nodes, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
database, written = folder / "database.csv", folder / "out"
keys = WireGuard()
with database.open("w", newline="") as file:
    writer = csv.DictWriter(file, KEY_TYPE.keys(), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for n in range(nodes):
        host = f"{n // 250}.{n % 250 + 1}"
        row = {"Name": f"n{n}", "Address": f"10.77.{host}/32", "ListenPort": "51820", "MTU": "1420"}
        row |= {"Endpoint": f"198.18.{host}", "PersistentKeepalive": "25", "PrivateKey": keys.genkey()}
        writer.writerow(row)
for _ in sys.stdin:
    shutil.rmtree(written, ignore_errors=True)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        DatabaseManager(database).genconfig(None, written)
    seconds = time.perf_counter() - start
    files = list(written.iterdir())
    assert len(files) == nodes
    assert all(file.read_text().count("[Peer]") == nodes - 1 for file in files)
    print(seconds, flush=True)
