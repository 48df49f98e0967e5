"""dmm-mhdump and tshark on the same capture: where both know a field they must agree.

Every field of tshark's dissector of mobility is either in the tables of what is compared or in
NOT_COMPARED, with the reason."""

import ipaddress
import json
import subprocess

from lab import programs
from lab.system import run

SEPARATOR = "|"

BU_FLAGS = {"A": "bu.a_flag", "H": "bu.h_flag", "L": "bu.l_flag", "K": "bu.k_flag",
            "M": "bu.m_flag", "R": "nemo.bu.r_flag", "P": "bu.p_flag", "F": "bu.f_flag",
            "T": "bu.t_flag"}
BA_FLAGS = {"K": "ba.k_flag", "R": "nemo.ba.r_flag", "P": "ba.p_flag", "T": "ba.t_flag",
            "B": "ba.b_flag"}
HB_FLAGS = {"U": "hb.u_flag", "R": "hb.r_flag"}

BRI_FLAGS = {"P": "bri_ip", "V": "bri_iv", "G": "bri_ig"}
BRA_FLAGS = {"P": "bri_ap", "V": "bri_av", "G": "bri_ag"}

# MH Type: what of the message tshark shows, by its name of the field without "mip6.".
MESSAGES = {
    1: {"hoti.cookie": "cookie"},
    2: {"coti.cookie": "cookie"},
    3: {"hot.nindex": "nonce_index", "hot.cookie": "cookie", "hot.token": "token"},
    4: {"cot.nindex": "nonce_index", "cot.cookie": "cookie", "hot.token": "token"},
    5: {"bu.seqnr": "sequence", "bu.lifetime": "lifetime"},
    6: {"ba.status": "status", "ba.seqnr": "sequence", "ba.lifetime": "lifetime"},
    7: {"be.status": "status", "be.haddr": "home_address"},
    13: {"hb.seqnr": "sequence"},
    16: {"bri_br.type": "revocation_type", "bri_r.trigger": "trigger", "bri_status": "status",
         "bri_seqnr": "sequence"},
}
FLAGS = {5: [BU_FLAGS], 6: [BA_FLAGS], 13: [HB_FLAGS], 16: [BRI_FLAGS, BRA_FLAGS]}

# Option: the same.
OPTIONS = {
    2: {"bra.interval": "interval"},
    3: {"acoa.acoa": "care_of_address"},
    4: {"ni.hni": "home", "ni.cni": "care_of"},
    5: {"bad.auth": "authenticator"},
    6: {"nemo.mnp.pfl": "prefix_length", "nemo.mnp.mnp": "prefix"},
    7: {"lla.optcode": "option_code", "lla": "link_layer_address"},
    8: {"mnid.subtype": "subtype", "mnid.identifier": "identifier"},
    9: {"auth.subtype": "subtype", "auth.mobility_spi": "spi"},
    17: {"dnsu.status": "status", "dnsu.flag.r": "remove"},
    19: {"vsm.vendorId": "vendor", "vsm.subtype": "subtype"},
    20: {"ss.identifier": "identifier"},
    22: {"nemo.mnp.pfl": "prefix_length", "nemo.mnp.mnp": "prefix"},
    23: {"hi": "handoff_indicator"},
    24: {"att": "access_technology"},
    25: {"mnlli.lli": "identifier"},
    26: {"lila_lla": "address"},
    28: {"rc": "restart_counter"},
    29: {"ipv4ha.preflen": "prefix_length", "ipv4ha.p_flag": "request_prefix",
         "ipv4ha.ha": "home_address"},
    30: {"ipv4aa.sts": "status", "ipv4ha.preflen": "prefix_length", "ipv4ha.ha": "home_address"},
    31: {"natd.f_flag": "force_udp", "natd.refresh_t": "refresh_time"},
    32: {"ipv4coa.addr": "care_of_address"},
    33: {"gre_key": "gre_key"},
    35: {"bi.bid": "bid", "bi.status": "status", "bi.h_flag": "home",
         "bi.coa_ipv4": "care_of_address", "bi.coa_ipv6": "care_of_address"},
    36: {"ipv4ha.preflen": "prefix_length", "ipv4ha.ha": "home_address"},
    37: {"ipv4aa.sts": "status", "ipv4ha.preflen": "prefix_length", "ipv4ha.ha": "home_address"},
    38: {"ipv4dra.dra": "default_router"},
    39: {"ipv4dsm.s_flag": "dhcp_server"},
    55: {"dmnp.v_flag": "ipv4", "dmnp.prefix_len": "prefix_length", "dmnp.dmnp_ipv4": "prefix",
         "dmnp.dmnp_ipv6": "prefix"},
}

# The start of the names of tshark's fields.
NOT_COMPARED = {
    "of options that it does not know, the wrong octet": ["mobility_opt"],
    "in every message, compared apart or by the checksum": ["mhtype", "csum"],
    "found by tshark itself": ["proto", "hlen", "padn", "ie_not_dissected", "opt.len.invalid",
                               "bogus_header_length"],
    "reserved": ["reserved", "hi.reserved", "att.reserved", "mnlli.reserved", "natd.reserved",
                 "ipv4ha.reserved", "ipv4coa.reserved", "ipv4dra.reserved", "ipv4dsm.reserved",
                 "dmnp.reserved", "bri_res", "binding_refresh_request"],
    "messages that are none of ours": ["fbu.", "fback.", "has.", "hi.seqnr", "hi.s_flag", "hi.u_flag",
                                       "hi.code", "hack.", "lri.", "lra.", "unknown_type_data",
                                       "fast_neighbor_advertisement"],
    "options that are none of ours": ["3gpp.", "cgar.", "sign.", "phkt.", "mocot.", "badff.",
                                      "mhipv6ap.", "cr.", "lmaa.", "recap.", "redir.", "load_inf.",
                                      "alt_ip4", "mng.", "mag_ipv6.", "acc_net_id"],
    "two octets are missing at the end": ["auth.auth_data", "dnsu.mn_id", "em.data"],
    "depends on the vendor": ["vsm.data", "vsm.req_data"],
    "a time, which tshark prints in words": ["mseg_id.timestamp", "timestamp_tmp"],
    "shown as B whatever P says": ["bu.b_flag"],
}
HEAD = ["frame.number", "frame.time_epoch", "mip6.mhtype", "mip6.csum"]


def compared():
    """The names of all fields of tshark's that the tables compare."""
    flags = {name for tables in FLAGS.values() for table in tables for name in table.values()}
    return flags | {name for table in (MESSAGES, OPTIONS) for known in table.values() for name in known}


def tshark_fields():
    """The names of all fields of mobility that this tshark has."""
    fields = [line.split("\t") for line in run("tshark", "-G", "fields").splitlines()]
    return {field[2].removeprefix("mip6.") for field in fields
            if field[0] == "F" and field[2].startswith("mip6.")}


def dump(build, *words, check=True):
    """What dmm-mhdump prints, as a list of objects, and its exit status."""
    done = subprocess.run([programs.program(build, "dmm-mhdump"), *map(str, words)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if check:
        assert done.returncode in (0, 1), done.stderr
        assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def tshark(capture, *more):
    """For each mobility message of the capture: {field: [its values in the order of the packet]}."""
    names = HEAD + sorted(f"mip6.{name}" for name in compared())
    words = [word for name in names for word in ("-e", name)]
    lines = run("tshark", "-r", capture, *more, "-Y", "mip6.mhtype", "-T", "fields", "-E",
                f"separator={SEPARATOR}", "-E", "aggregator=;", *words).splitlines()
    return [dict(zip(names, (value.split(";") if value else [] for value in line.split(SEPARATOR))))
            for line in lines]


def same(theirs, ours):
    """Whether a value of tshark's, a text, is ours."""
    if isinstance(ours, bool):
        return theirs in (str(int(ours)), str(ours))
    if isinstance(ours, int):
        try:
            return int(theirs, 0) == ours
        except ValueError:
            return int(theirs, 16) == ours
    try:
        return ipaddress.ip_address(theirs) == ipaddress.ip_address(ours)
    except ValueError:
        return ours in (theirs, theirs.replace(":", ""))


def shown(name, value):
    """Whether tshark shows this value in the field of that name: a family has its own."""
    if name.endswith(("_ipv4", "_ipv6")):
        return ipaddress.ip_address(value).version == int(name[-1])
    return True


def disagreements(ours, theirs):
    """What the two say differently of one message, as texts."""
    wanted = {name: [ours[key]] for name, key in MESSAGES.get(ours["type"], {}).items()
              if key in ours}
    tables = FLAGS.get(ours["type"], [])
    if ours["type"] == 16:  # tshark has names of their own for indication and acknowledgement
        tables = tables[ours["revocation_type"] - 1:][:1]
    for letter, name in [item for table in tables for item in table.items()]:
        wanted[name] = [letter in ours["flags"].split("+")[0]]
    for option in ours["options"]:
        for name, key in OPTIONS.get(option["type"], {}).items():
            if key in option and shown(name, option[key]):
                wanted.setdefault(name, []).append(option[key])
    wrong = [] if same(theirs["mip6.mhtype"][0], ours["type"]) else ["mip6.mhtype"]
    for name, values in wanted.items():
        heard = theirs[f"mip6.{name}"]
        if len(heard) != len(values) or not all(map(same, heard, values)):
            wrong.append(f"frame {ours['frame']}: mip6.{name}: {heard}, not {values}")
    # What tshark shows and we do not is as wrong.
    return wrong + [f"frame {ours['frame']}: only tshark has {name}: {values}"
                    for name, values in theirs.items()
                    if name not in HEAD and values and name.removeprefix("mip6.") not in wanted]


def assert_agree(build, capture, *more):
    """Both find the same messages and say the same of them; returns ours."""
    ours, _ = dump(build, capture)
    theirs = tshark(capture, *more)
    assert [str(m["frame"]) for m in ours] == [m["frame.number"][0] for m in theirs]
    wrong = [text for a, b in zip(ours, theirs) for text in disagreements(a, b)]
    assert not wrong, "\n".join(wrong)
    return ours
