"""archiver: harvest LivePerson conversations, keep them for good, search them.

The map, from the top down (imports go downward only):

* faces: `cli`, `simulator`: translate for people and programs, decide nothing
* work: `search`, `export`, `harvest`, `catchup`: the order of steps
* edges: `liveperson`, `archive` (`vault`, `ledger`), `stores`, `progress`, `installation`: one outside thing each
* rules: `matching`, `query`, `fields`, `documents`, `texts`, `windows`, `chain`, `pace`, `analysis`, `dates`: pure
* words: `config`, `model`, `encoding`, `spelling`, `errors`
"""

__version__ = "0.1.0"
