"""Wrong configuration and wrong arguments: the user is told what, where and what would be right."""

import itertools
import re

import pytest

from lab import examples, programs
from lab.system import LabError

RUNS = itertools.count()
PROGRAMS = {"dmm-ctrl": "dmm-ctrl.cfg", "dmm-dp": "dmm-dp.cfg", "dmm-mn": "dmm-mn.cfg"}


@pytest.fixture
def start(lab, build):
    """start(PROGRAM, ARGUMENT...): runs to its end; returns (exit status, output)."""
    def run(name, *arguments):
        process = lab.gw.start(f"{name}-{next(RUNS)}", programs.program(build, name), *arguments)
        return process.wait(), process.output()
    return run


def example(name):
    return (examples.ORIGINALS / PROGRAMS[name]).read_text()


def line_of(text, part):
    return text[:text.index(part)].count("\n") + 1


def refused(start, tmp_path, name, right, wrong):
    """A program does not start with something else in its example; returns (file, output)."""
    text = example(name)
    assert right in text
    file = tmp_path / "wrong.cfg"
    file.write_text(text.replace(right, wrong, 1))
    status, output = start(name, "--config", file)
    assert status != 0
    return file, output


@pytest.mark.parametrize("name, right, wrong, key", [
    ("dmm-ctrl", 'max_lifetime = "420s"', 'max_lifetime = "421s"', "max_lifetime"),
    ("dmm-ctrl", '"2001:db8:100::/64"', '"2001:db8:100::1/64"', "prefix"),
    ("dmm-ctrl", "max_bindings = ", "max_bindinks = ", "max_bindinks"),
    ("dmm-ctrl", 'roles = ["ha"]', 'roles = ["hb"]', "roles"),
    ("dmm-dp", 'name = "core"', 'name = "much-too-long-for-an-interface"', "name"),
    ("dmm-dp", "net_af_packet1,iface=v-home", "net_af_packet0,iface=v-home", "ports[1].device: 'net_af_packet0'"),
    ("dmm-dp", "net_af_packet1,iface=v-home", "net_af_packet1,iface=v-core", "ports[1].device: interface 'v-core'"),
    ("dmm-dp", "net_af_packet1,iface=v-home", "net_af_packet1,iface=v-hume", "ports[1].device: there is no"),
    ("dmm-mn", 'home_address = "2001:db8:100::10"', 'home_address = "2001:db8:100::1x"', "home_address"),
    ("dmm-mn", "spi = ", "spi = 25; # ", "spi"),
])
def test_wrong_value_names_file_line_and_key(start, tmp_path, name, right, wrong, key):
    file, output = refused(start, tmp_path, name, right, wrong)
    line = line_of(example(name), right)
    assert re.search(rf"{re.escape(str(file))}:{line}: .*{re.escape(key)}", output), output


@pytest.mark.parametrize("flows, said", [
    ('{ id = 0; interfaces = ["wlan0"]; }', "id"),
    ('{ id = 1; interfaces = ["wlan0"]; }, { id = 1; interfaces = ["wlan0"]; }', "id 1 is given twice"),
    ('{ id = 1; interfaces = ["nowhere0"]; }', "nowhere0 is not one of interfaces"),
    ('{ id = 1; remote_port = 80; interfaces = ["wlan0"]; }', "a port needs a protocol"),
])
def test_flows_that_make_no_sense(start, tmp_path, flows, said):
    file = tmp_path / "wrong.cfg"
    file.write_text(example("dmm-mn") + f"\nflows = ( {flows} );\n")
    status, output = start("dmm-mn", "--config", file)
    assert status != 0
    assert str(file) in output and said in output, output


def test_home_binding_without_bulk_registration(start, tmp_path):
    text = example("dmm-mn")
    assert 'home_binding = false;' in text
    file = tmp_path / "wrong.cfg"
    file.write_text(text.replace("home_binding = false;", "home_binding = true;", 1))
    status, output = start("dmm-mn", "--config", file)
    assert status != 0
    assert f'{file}:{line_of(text, "home_binding = ")}: home_binding: needs multihoming = "bulk"' in output, output


def test_values_that_contradict_each_other_name_a_line(start, tmp_path):
    file, output = refused(start, tmp_path, "dmm-ctrl", 'roles = ["ha"]', 'roles = ["mag"]')
    for key in ("home_agents", "home_prefixes"):
        line = line_of(example("dmm-ctrl"), key + " = ")
        assert f'{file}:{line}: {key}: is given, but roles has no "ha"' in output, output


def test_queries_that_overlap(start, tmp_path):
    """RFC 3810, 9.3: listeners answer one query before the next."""
    file, output = refused(start, tmp_path, "dmm-ctrl", 'interval = "125s";',
                           'interval = "10s";\n\tresponse = "10s";')
    line = line_of(example("dmm-ctrl"), "querier = ") + 1
    assert (f"{file}:{line}: multicast.querier.response: 10000 ms is not less than the interval of"
            " queries, 10000 ms") in output, output


@pytest.mark.parametrize("name", PROGRAMS)
def test_broken_syntax(start, tmp_path, name):
    file = tmp_path / "broken.cfg"
    file.write_text("log_level = \"info\";\nthis is = not { right\n")
    status, output = start(name, "--config", file)
    assert status != 0
    assert f"{file}:2" in output


@pytest.mark.parametrize("name", PROGRAMS)
def test_missing_file(start, name):
    status, output = start(name, "--config", "/nowhere/at/all.cfg")
    assert status != 0
    assert "/nowhere/at/all.cfg" in output
    assert "No such file" in output


@pytest.mark.parametrize("name", [*PROGRAMS, "dmmctl"])
def test_wrong_option(start, name):
    status, output = start(name, "--confgi")
    assert status == 2
    assert "confgi" in output and "--help" in output


@pytest.mark.parametrize("name", PROGRAMS)
def test_good_file(start, name):
    file = examples.ORIGINALS / PROGRAMS[name]
    assert start(name, "--config", file, "--check") == (0, f"{file}: good\n")


@pytest.mark.parametrize("name", [*PROGRAMS, "dmmctl"])
def test_help_and_version(start, name):
    status, output = start(name, "--help")
    assert status == 0 and name in output
    status, output = start(name, "--version")
    assert status == 0 and re.search(r"\d+\.\d+\.\d+", output)


def test_mistakes_are_reported_together(start, tmp_path):
    file = tmp_path / "two.cfg"
    file.write_text(example("dmm-ctrl").replace('"420s"', '"421s"').replace('"info"', '"loud"'))
    _, output = start("dmm-ctrl", "--config", file)
    assert "max_lifetime" in output and "log_level" in output


class TestDmmctl:
    def test_without_control(self, start):
        status, output = start("dmmctl", "status")
        assert status == 1
        assert "/run/dmm/ctrl.api" in output

    @pytest.mark.parametrize("words", [["bindings"], ["binding", "shwo"], ["binding", "clear", "nonsense"],
                                       ["binding"], []])
    def test_wrong_words(self, start, words):
        status, output = start("dmmctl", *words)
        assert status == 2
        assert output.strip()

    def test_config_check(self, start, tmp_path):
        status, _ = start("dmmctl", "config", "check", examples.ORIGINALS / "dmm-ctrl.cfg")
        assert status == 0
        file = tmp_path / "wrong.cfg"
        file.write_text(example("dmm-ctrl").replace('"420s"', '"421s"'))
        status, output = start("dmmctl", "config", "check", file)
        assert status == 1
        assert f"{file}:" in output and "max_lifetime" in output

    def test_every_example_is_known_and_good(self, start, tmp_path):
        """With the keys that they name."""
        for name in ("ctrl", "dp1", "dp2"):
            assert start("dmmctl", "keygen", "--name", name, tmp_path)[0] == 0
        for name in ("mag1", "mag2", "mag3"):
            key = tmp_path / f"{name}.key"
            key.touch(0o600)
            key.write_text("00112233445566778899aabbccddeeff\n")
        found = sorted(examples.ORIGINALS.rglob("*.cfg"))
        assert len(found) >= 11
        for name in found:
            file = tmp_path / "example.cfg"
            file.write_text(name.read_text().replace("/etc/dmm/", f"{tmp_path}/"))
            file.chmod(0o600)
            status, output = start("dmmctl", "config", "check", file)
            assert status == 0, f"{name}: {output}"
            assert re.fullmatch(r".*: a good configuration of [a-z-]+\n", output), f"{name}: {output}"

    def test_a_wrong_key_does_not_hide_whose_it_is(self, start, tmp_path):
        file = tmp_path / "wrong.cfg"
        file.write_text(example("dmm-ctrl").replace("home_prefixes", "home_prefxies"))
        status, output = start("dmmctl", "config", "check", file)
        assert status == 1
        assert 'did you mean "home_prefixes"?' in output


class TestSubscribers:
    """Import of many, of which some are wrong."""

    @pytest.fixture
    def file(self, control):
        return control.node.directory / "subscribers.jsonl"

    def test_wrong_lines_are_skipped_by_number(self, control, file):
        good = '{"mn_id": "%s", "home_addresses": ["%s"], "spi": %d, "key": "%032x"}'
        lines = [good % ("good1@example.net", "2001:db8:100::f1", 5001, 1),
                 "not json at all",
                 good % ("low@example.net", "2001:db8:100::f2", 255, 1),
                 good % ("foreign@example.net", "2001:db8:dead::1", 5002, 1),
                 (good % ("short@example.net", "2001:db8:100::f3", 5003, 1)).replace("0" * 8, ""),
                 "",
                 good % ("good2@example.net", "2001:db8:100::f4", 5004, 1)]
        file.write_text("\n".join(lines) + "\n")
        with pytest.raises(LabError):  # not all were right
            control.ctl("subscriber", "import", file)
        report = control.ctl("--json", "subscriber", "import", file, check=False)
        shown = {s["mn_id"] for s in control.ask("subscriber", "show")["subscribers"]}
        assert {"good1@example.net", "good2@example.net"} <= shown
        assert not {"low@example.net", "foreign@example.net", "short@example.net"} & shown
        for line in ("2", "3", "4", "5"):
            assert line in re.findall(r'"line": (\d+)', report)

    def test_keys_are_never_shown(self, control, file):
        key = "c0ffee" * 5 + "99"
        file.write_text('{"mn_id": "secret@example.net", "home_addresses": ["2001:db8:100::e1"],'
                        f' "spi": 6001, "key": "{key}"}}\n')
        control.ctl("subscriber", "import", file)
        for shown in (control.ctl("subscriber", "show"), control.ctl("--json", "subscriber", "show"),
                      control.process.output()):
            assert key not in shown.lower()

    def test_unknown_subscriber(self, control):
        with pytest.raises(LabError, match="nobody@example.net"):
            control.ctl("subscriber", "del", "nobody@example.net")
