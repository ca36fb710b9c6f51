"""The files for containers, as far as they can be checked without: what they state must hold."""

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from cnn_lab.ops.environment import problems
from cnn_lab.runs.certificates import dask_environment
from tools.caddy import find_caddy
from tools.containers import COMPOSE, CONTAINERFILE, USER, copies, inside, services, stages
from tools.server import ROOT

STAGES = stages(CONTAINERFILE.read_text(encoding="utf-8"))
SERVICES = services(COMPOSE.read_text(encoding="utf-8"))
KUBERNETES = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8"))
RESOURCES = [
    resource
    for name in KUSTOMIZATION["resources"]
    for resource in yaml.safe_load_all((KUBERNETES / name).read_text(encoding="utf-8"))
]
TARGETS = ("pages", "worker")
OURS = [name for name, one in SERVICES.items() if one["image"].startswith("cnn-lab-")]
DASK = dask_environment(Path("/certificate"))


def of_kind(kind: str) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in RESOURCES if one["kind"] == kind}


DEPLOYMENTS = of_kind("Deployment")


def pod_of(name: str) -> Any:
    return DEPLOYMENTS[name]["spec"]["template"]["spec"]


def excluded(source: str) -> bool:
    """Return whether .dockerignore keeps a file or folder from the build."""
    found = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if pattern and not pattern.startswith("#") and fnmatch(source, pattern):
            found = not line.startswith("!")
    return found


@pytest.mark.parametrize("name", STAGES)
def test_all_that_an_image_copies_is_there(name: str) -> None:
    for origin, sources, _ in copies(STAGES[name]):
        for source in sources:
            if origin is None:
                assert (ROOT / source).exists(), source
                assert not excluded(source), source
            else:
                assert origin in STAGES


@pytest.mark.parametrize("name", TARGETS)
def test_an_image_runs_without_rights_and_without_a_shell(name: str) -> None:
    stage = STAGES[name]
    assert stage.base == "python:3.13-slim"
    assert stage.last("USER") == f"{USER}:{USER}"
    assert all(isinstance(word, str) for word in json.loads(stage.last("CMD")))
    # What is added after the user is set still belongs to root.
    assert "--chown" not in str(stage.instructions)
    # Only the user and its folders are made in what is shipped: no package, no compiler.
    programs = [json.loads(rest)[0] for keyword, rest in stage.instructions if keyword == "RUN"]
    assert programs == ["useradd", "install"]


def test_everything_that_is_installed_has_a_hash() -> None:
    for stage in STAGES.values():
        for keyword, rest in stage.instructions:
            command = json.loads(rest) if keyword == "RUN" else []
            if "install" in command[1:]:
                assert "--require-hashes" in command, command


def test_no_file_names_an_index() -> None:
    for path in [CONTAINERFILE, COMPOSE, *KUBERNETES.iterdir()]:
        text = path.read_text(encoding="utf-8")
        assert "index-url" not in text
        assert "://" not in text.replace("tls://", "").replace("redis://", "").replace(
            "http://127.0.0.1:8501", ""
        )


def test_only_the_proxy_of_compose_is_open_to_others() -> None:
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["proxy"]
    for name, one in SERVICES.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert "mem_limit" in one, name
        if name != "certificate":
            assert one["restart"] == "unless-stopped", name
    for name in OURS:
        assert SERVICES[name]["user"] == f"{USER}:{USER}"
    for name in ("scheduler", "worker", "redis"):
        assert SERVICES[name]["networks"] == ["back"]
    upstreams = SERVICES["proxy"]["environment"]["PAGES"].split()
    pages = [name for name in SERVICES if name.startswith("pages-")]
    assert upstreams == [f"{name}:8501" for name in pages]


def test_compose_mounts_only_volumes_that_it_has_and_files_that_are_there() -> None:
    volumes = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["volumes"]
    for one in SERVICES.values():
        for mount in one.get("volumes", []):
            source = mount.split(":")[0]
            assert source in volumes or (COMPOSE.parent / source).is_file(), mount


def environments() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the environment of each process of ours, in compose and in Kubernetes."""
    for name in OURS:
        target = SERVICES[name]["image"].removeprefix("cnn-lab-")
        set_there = SERVICES[name].get("environment", {})
        yield f"compose: {name}", {**STAGES[target].environment, **set_there}
    settings = of_kind("ConfigMap")
    for name in DEPLOYMENTS:
        container = pod_of(name)["containers"][0]
        if container["image"].startswith("cnn-lab-"):
            maps = [settings[one["configMapRef"]["name"]] for one in container["envFrom"]]
            data = {key: value for one in maps for key, value in one["data"].items()}
            target = container["image"].removeprefix("cnn-lab-")
            yield f"kubernetes: {name}", {**STAGES[target].environment, **data}


@pytest.mark.parametrize(("name", "environment"), [*environments()])
def test_every_setting_exists_and_every_connection_is_encrypted(
    name: str, environment: Mapping[str, str]
) -> None:
    assert all(isinstance(value, str) for value in environment.values())
    assert list(problems(environment)) == []
    if "certificate" not in name:
        assert DASK.items() <= environment.items()
    assert "tcp://" not in str(environment)


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_pod_runs_without_rights(name: str) -> None:
    pod = pod_of(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        if container["image"].startswith("cnn-lab-"):
            assert pod["securityContext"]["runAsUser"] == USER


def test_kubernetes_keeps_visitors_with_one_pod_and_figures_inside() -> None:
    (route,) = of_kind("IngressRoute")["pages"]["spec"]["routes"]
    assert route["services"][0]["sticky"]["cookie"]["name"] == "cnn_lab_page"
    for path in ("/metrics", "/_stcore/metrics"):
        assert f"!PathPrefix(`{path}`)" in route["match"]
    assert DEPLOYMENTS["pages"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert of_kind("HorizontalPodAutoscaler")["pages"]["spec"]["minReplicas"] == 2
    assert "pages" in of_kind("PodDisruptionBudget")


def test_kubernetes_has_a_policy_for_each_pod_and_all_its_files() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies.pop("nobody")["spec"]["podSelector"] == {}
    assert {one["spec"]["podSelector"]["matchLabels"]["app"] for one in policies.values()} == set(
        DEPLOYMENTS
    )
    named = {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    assert named == {path.name for path in KUBERNETES.iterdir()}
    images = {pod_of(name)["containers"][0]["image"] for name in DEPLOYMENTS}
    assert {one["name"] for one in KUSTOMIZATION["images"]} == {f"cnn-lab-{t}" for t in TARGETS}
    assert {f"cnn-lab-{target}" for target in TARGETS} < images


def test_caddy_accepts_its_file_with_the_settings_of_compose() -> None:
    environment = {"SITE": "lab.example.org", "PAGES": SERVICES["proxy"]["environment"]["PAGES"]}
    subprocess.run(
        shlex.split(f"{find_caddy()} validate --adapter caddyfile --config deploy/Caddyfile"),
        cwd=ROOT,
        env={"HOME": "/nowhere", **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_paths_of_an_image_are_those_in_a_folder() -> None:
    assert inside(Path("/x"), "/venv/bin/python", "py") == "/x/venv/bin/python"
    assert inside(Path("/x"), "/usr/venv", "py") == "/usr/venv"
    assert inside(Path("/x"), "/laboratory", "py") == "/laboratory"
    assert inside(Path("/x"), "python", "py") == "py"
