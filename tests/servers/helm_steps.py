"""Run by the interpreter of Helm's environment: does one thing as stdin says, in JSON, and answers.

Nothing of ours is importable there, and Helm is not in ours: it is a library of 120 MB.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import helm_sdkpy  # type: ignore[import-not-found]  # in that environment alone


async def _done(order: Mapping[str, Any]) -> object:
    config = helm_sdkpy.Configuration(order["namespace"], kubeconfig=order["kubeconfig"])
    chart = order["chart"]
    match order["step"]:
        case "install":
            install = helm_sdkpy.Install(config)
            return await install.run(order["release"], chart, order["values"], wait=False)
        case "lint":
            return await helm_sdkpy.Lint(config).run(chart)
        case "package":
            return await helm_sdkpy.Package(config).run(chart, order["folder"])
    raise ValueError(order["step"])


try:
    answer = {"done": asyncio.run(_done(json.load(sys.stdin)))}
except helm_sdkpy.HelmError as error:
    answer = {"refused": str(error)}
json.dump(answer, sys.stdout)
