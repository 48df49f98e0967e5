/* The data plane's configuration: defaults, what contradicts itself, and the example. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/config.h"

#define PORT(name, device) "{ name = \"" name "\"; device = \"" device "\"; }"
#define MINIMAL            "name = \"dp1\"; ports = ( " PORT("core", "net_null0") " );"

struct loaded {
	struct dp_config config;
	struct config_report report;
	int rc;
};

static struct loaded load_to(const char *text, bool to_start)
{
	struct loaded l = {0};
	char path[] = "/tmp/dmm-dp-config-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	l.rc = dp_config_load(&l.config, path, to_start, &l.report);
	unlink(path);
	return l;
}

static struct loaded load(const char *text)
{
	return load_to(text, false);
}

static void forget(struct loaded *l)
{
	config_report_free(&l->report);
	dp_config_free(&l->config);
}

static void refuse_to(bool to_start, const char *text, const char *key, const char *why)
{
	struct loaded l = load_to(text, to_start);

	assert_int_equal(l.rc, -EINVAL);
	if (!strstr(l.report.text, key) || !strstr(l.report.text, why))
		fail_msg("no '%s ... %s' in: %s", key, why, l.report.text);
	forget(&l);
}

static void refuse(const char *text, const char *key, const char *why)
{
	refuse_to(false, text, key, why);
}

static int last_core(void)
{
	cpu_set_t may;
	int last = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(may), &may), 0);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &may))
			last = i;
	}
	return last;
}

static void test_defaults(void **state)
{
	struct loaded l = load(MINIMAL);

	(void)state;
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.config.name, "dp1");
	assert_string_equal(l.config.endpoints.update, "ipc:///run/dmm/update");
	assert_string_equal(l.config.endpoints.packet, "ipc:///run/dmm/packet");
	assert_int_equal(l.config.channel.heartbeat, 300);
	assert_int_equal(l.config.channel.heartbeats_missed, 3);
	assert_int_equal(l.config.ports.count, 1);
	assert_int_equal(dp_config_port(&l.config, 0)->mtu, 1500);
	assert_false(dp_config_port(&l.config, 0)->promiscuous);
	assert_false(l.config.busy_poll);
	assert_int_equal(l.config.hugepages, DP_CONFIG_HUGEPAGES_AUTO);
	assert_int_equal(l.config.log_level, LOG_LEVEL_INFO);
	/* One worker, on a core that this process may use. */
	assert_int_equal(l.config.workers.count, 1);
	assert_int_equal(dp_config_core(&l.config, 0), last_core());
	forget(&l);
}

static void test_everything_said(void **state)
{
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text),
		"name = \"edge-7.a\"; endpoints = { update = \"ipc:///run/edge/update\"; "
		"packet = \"ipc:///tmp/p\"; }; channel = { heartbeat = \"1s\"; heartbeats_missed "
		"= 5; }; ports = ( { name = \"wan\"; device = \"0000:03:00.0\"; mtu = 9000; "
		"promiscuous = true; }, " PORT(
			"lan", "net_tap0") " ); workers = [%d]; busy_poll = "
					   "true; hugepages = \"no\"; memory = 512; buffers = "
					   "4096; subscribers = 1000; "
					   "routes = 100; neighbours = 200; log_level = \"debug\";",
		last_core());
	struct loaded l = load(text);
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.config.endpoints.update, "ipc:///run/edge/update");
	assert_int_equal(l.config.channel.heartbeat, 1000);
	assert_int_equal(l.config.channel.heartbeats_missed, 5);
	assert_int_equal(l.config.ports.count, 2);
	assert_int_equal(dp_config_port(&l.config, 0)->mtu, 9000);
	assert_true(dp_config_port(&l.config, 0)->promiscuous);
	assert_string_equal(dp_config_port(&l.config, 1)->name, "lan");
	assert_int_equal(dp_config_core(&l.config, 0), last_core());
	assert_true(l.config.busy_poll);
	assert_int_equal(l.config.hugepages, DP_CONFIG_HUGEPAGES_NO);
	assert_int_equal(l.config.memory, 512);
	assert_int_equal(l.config.buffers, 4096);
	assert_int_equal(l.config.subscribers, 1000);
	assert_int_equal(l.config.routes, 100);
	assert_int_equal(l.config.neighbours, 200);
	assert_int_equal(l.config.log_level, LOG_LEVEL_DEBUG);
	forget(&l);
}

static void test_refused(void **state)
{
	(void)state;
	refuse("ports = ( " PORT("core", "net_null0") " );", "name", "required");
	refuse("name = \"dp1\";", "ports", "");
	refuse("name = \"dp 1\"; ports = ( " PORT("core", "net_null0") " );", "name", "'_'");
	refuse("name = \"dp1\"; ports = ( " PORT("lo", "net_null0") " );", "name", "interface");
	refuse("name = \"dp1\"; ports = ( " PORT("a/b", "net_null0") " );", "name", "letters");
	refuse("name = \"dp1\"; ports = ( " PORT("sixteen-octets-x", "net_null0") " );", "name",
		"15");
	refuse("name = \"dp1\"; ports = ( " PORT("a", "net_null0") ", " PORT(
		       "a", "net_null1") " );",
		"ports[1].name", "'a'");
	refuse("name = \"dp1\"; ports = ( " PORT("a", "net_null0") ", " PORT(
		       "b", "net_null0") " );",
		"ports[1].device", "net_null0");
	refuse(MINIMAL "endpoints = { update = \"run/dmm/update\"; };", "update", "ipc:///PATH");
	refuse(MINIMAL "channel = { heartbeat = \"5ms\"; };", "heartbeat", "20");
	refuse(MINIMAL "hugepages = \"maybe\";", "hugepages", "auto");
	refuse("name = \"dp1\"; ports = ( { name = \"a\"; device = \"net_null0\"; domain = "
	       "8388608; } );",
		"domain", "8388607");
	refuse("name = \"dp1\"; ports = ( { name = \"a\"; device = \"net_null0\"; domain = 7; } );"
	       "multicast_upstream = \"a\";",
		"multicast_upstream", "domain 7");
	refuse(MINIMAL "workers = [1023];", "workers", "1023");
	refuse(MINIMAL "workers = [-1];", "workers", "-1");
	refuse("name = \"dp1\"; ports = ( { name = \"a\"; device = \"net_null0\"; mtu = 1279; } );",
		"mtu", "1280");
}

#define TWO(a, device_a, b, device_b)                                                              \
	"name = \"dp1\"; ports = ( " PORT(a, device_a) ",\n" PORT(b, device_b) " );"

static void test_ports_that_contradict_each_other(void **state)
{
	struct loaded l;

	(void)state;
	refuse(TWO("a", "0000:03:00.0", "b", "03:00.0,arg=1"), "2: ports[1].device",
		"'0000:03:00.0' is given to 'a' and to 'b'");
	refuse(TWO("a", "net_af_packet0,iface=x", "b", "net_af_packet0,iface=y"),
		"2: ports[1].device", "'net_af_packet0'");
	refuse(TWO("a", "net_af_packet0,iface=x", "b", "net_af_packet1,iface=x"),
		"2: ports[1].device", "interface 'x'");
	refuse(TWO("a", "net_af_packet0,iface=b", "b", "net_af_packet1,iface=x"),
		"2: ports[1].name", "'a' takes over");
	refuse("name = \"dp1\"; ports = ( " PORT("x", "net_af_packet0,iface=x") " );",
		"1: ports[0].name", "'x' takes over");
	refuse("name = \"dp1\"; ports = ( " PORT("x", "net_af_packet0") " );", "1: ports[0].device",
		"iface=NAME");
	refuse("name = \"dp1\";\nports = ( { name = \"a\"; device = \"net_null0\"; domain = 7; } "
	       ");",
		"2: ports", "domain = 0");
	l = load(TWO("a", "net_af_packet0,iface=x", "b", "net_af_packet1,iface=y"));
	assert_int_equal(l.rc, 0);
	forget(&l);
}

static void test_devices_that_the_host_has_not(void **state)
{
	static const char nowhere[] = TWO("a", "net_null0", "b", "net_af_packet1,iface=no-such-if");
	static const char card[] = TWO("a", "net_null0", "b", "ffff:ff:1f.7");
	struct loaded l;

	(void)state;
	refuse_to(true, nowhere, "2: ports[1].device", "no interface 'no-such-if'");
	refuse_to(true, card, "2: ports[1].device", "no PCI device ffff:ff:1f.7");
	refuse_to(true, TWO("a", "net_null0", "b", "lo"), "2: ports[1].device",
		"net_af_packet1,iface=lo");
	l = load_to(TWO("a", "net_null0", "b", "net_af_packet1,iface=lo"), true);
	assert_int_equal(l.rc, 0);
	forget(&l);
	l = load(nowhere);
	assert_int_equal(l.rc, 0);
	forget(&l);
	l = load(card);
	assert_int_equal(l.rc, 0);
	forget(&l);
}

static void test_one_core_twice(void **state)
{
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), MINIMAL "workers = [%d, %d];", last_core(), last_core());
	refuse(text, "workers", "twice");
}

static void test_reference_names_every_key(void **state)
{
	static const char *const names[] = {"name", "endpoints", "update", "packet", "channel",
		"heartbeat", "heartbeats_missed", "ports", "device", "mtu", "promiscuous",
		"workers", "busy_poll", "hugepages", "memory", "buffers", "subscribers", "routes",
		"neighbours", "log_level"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	dp_config_reference(out);
	fclose(out);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%s`", names[i]);
		assert_non_null(strstr(text, quoted));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything_said),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ports_that_contradict_each_other),
		cmocka_unit_test(test_devices_that_the_host_has_not),
		cmocka_unit_test(test_one_core_twice),
		cmocka_unit_test(test_reference_names_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
