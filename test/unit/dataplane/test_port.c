/* What can be said of a port before there is one: whose device it is, and what memory there is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/cutoff.h"
#include "dataplane/device.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"

static void test_devices_that_take_an_interface(void **state)
{
	static const struct {
		const char *device, *interface;
	} cases[] = {
		{"net_af_packet0,iface=eth1", "eth1"},
		{"net_af_packet0,qpairs=2,iface=eth1,framecnt=512", "eth1"},
		{"net_af_xdp7,iface=eth1.100,start_queue=0", "eth1.100"},
		{"net_pcap0,iface=lan", "lan"},
		/* net_tap makes its interface, which is there for the kernel to use. */
		{"net_tap0,iface=dtap0", NULL},
		{"net_null0", NULL},
		{"net_af_packet0", NULL},
		{"net_af_packet0,iface=", NULL},
		{"net_af_packet0,iface=longer-than-any-interface", NULL},
		{"0000:03:00.0", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char interface[16] = "";

		assert_int_equal(
			device_interface(cases[i].device, interface), cases[i].interface != NULL);
		if (cases[i].interface)
			assert_string_equal(interface, cases[i].interface);
	}
}

static void test_pci_devices(void **state)
{
	static const char *const pci[] = {
		"0000:03:00.0", "03:00.1", "0000:af:1f.7,rep=1", "10000:00:02.0"};
	static const char *const others[] = {"net_null0", "net_af_packet0,iface=a:0.1", "", "0000",
		"03:00", "03.0", "dead:beef", "net_tap0,mac=00:11:22:33:44:55.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(pci) / sizeof(pci[0]); i++)
		assert_true(device_is_pci(pci[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(device_is_pci(others[i]));
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_free_hugepages(void **state)
{
	char directory[] = "/tmp/dmm-hugepages-XXXXXX", path[256];

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(eal_hugepages_free(directory), 0);
	write_file(directory, "free_hugepages", "512\n");
	assert_int_equal(eal_hugepages_free(directory), 512);
	/* Promised to a process that has not touched them yet. */
	write_file(directory, "resv_hugepages", "500\n");
	assert_int_equal(eal_hugepages_free(directory), 12);
	write_file(directory, "resv_hugepages", "513\n");
	assert_int_equal(eal_hugepages_free(directory), 0);
	write_file(directory, "free_hugepages", "nonsense");
	assert_int_equal(eal_hugepages_free(directory), 0);
	snprintf(path, sizeof(path), "%s/free_hugepages", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/resv_hugepages", directory);
	unlink(path);
	rmdir(directory);
}

static void test_mtu_stays_within_what_the_port_was_opened_with(void **state)
{
	struct port port = {.name = "core", .mtu = 1500, .max_frame = 1514};

	(void)state;
	assert_int_equal(port_set_mtu(&port, 1500), 0);
	assert_int_equal(port_set_mtu(&port, 1280), 0);
	assert_int_equal(port_mtu(&port), 1280);
	assert_int_equal(port_set_mtu(&port, 1279), -EINVAL);
	assert_int_equal(port_set_mtu(&port, 1501), -EINVAL);
	assert_int_equal(port_mtu(&port), 1280);
	assert_int_equal(port_set_mtu(&port, 1500), 0);
}

static void test_ports_by_name(void **state)
{
	(void)state;
	assert_null(port_get(0));
	assert_null(port_get(PORT_NONE));
	strcpy(port_table[3].name, "core");
	assert_int_equal(port_find("core"), 3);
	assert_int_equal(port_find("cor"), PORT_NONE);
	assert_int_equal(port_find(""), PORT_NONE);
	assert_ptr_equal(port_get(3), &port_table[3]);
	port_table[3].rx_queues = 2;
	assert_int_equal(port_rx_queue(&port_table[3], 1), 1);
	assert_int_equal(port_rx_queue(&port_table[3], 2), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices_that_take_an_interface),
		cmocka_unit_test(test_pci_devices),
		cmocka_unit_test(test_free_hugepages),
		cmocka_unit_test(test_mtu_stays_within_what_the_port_was_opened_with),
		cmocka_unit_test(test_ports_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
