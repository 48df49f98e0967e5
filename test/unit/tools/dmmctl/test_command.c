/* dmmctl from its command line to what it prints, against a server that knows its lines. */
#include "server.h"

#include "tools/dmmctl/command.h"

#define WORDS_MAX 16

/* What one run of dmmctl came to. */
struct run {
	int rc;
	char *out, *err;
};

/* Runs "dmmctl WORD..." as written, split at spaces. */
static struct run run(const char *endpoint, const char *words)
{
	struct run r = {0};
	size_t out_size, err_size;
	struct command_context context = {.socket = endpoint,
		.timeout_ms = SERVER_WAIT_MS,
		.out = open_memstream(&r.out, &out_size),
		.err = open_memstream(&r.err, &err_size)};
	char *copy = strdup(words), *argv[WORDS_MAX + 1] = {"dmmctl"}, *save = NULL;
	int argc = 1;

	for (char *w = strtok_r(copy, " ", &save); w && argc < WORDS_MAX;
		w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	r.rc = command_main(&context, argc, argv);
	fclose(context.out);
	fclose(context.err);
	free(copy);
	return r;
}

static void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

/* Runs the words against a server with these lines, and checks code and standard output. */
static void expect(const char *words, const struct server_exchange *exchanges, int rc,
	const char *out, const char *err_part)
{
	struct server server;
	struct run r;

	server_start(&server, exchanges);
	r = run(server.endpoint, words);
	server_stop(&server);
	assert_int_equal(r.rc, rc);
	if (out)
		assert_string_equal(r.out, out);
	if (!err_part)
		assert_string_equal(r.err, "");
	else if (!strstr(r.err, err_part))
		fail_msg("'%s' is not in '%s'", err_part, r.err);
	run_free(&r);
}

static void wrong_usage(void **state)
{
	(void)state;
	static const struct {
		const char *words, *says;
	} cases[] = {
		{"", "a command is missing"},
		{"--jsno status", "did you mean '--json'"},
		{"--timeout=0 status", "expected seconds from 1 to 3600, not '0'"},
		{"--timeout=x status", "not 'x'"},
		{"-s bogus status", "expected ipc:///PATH or tcp://HOST:PORT, not 'bogus'"},
		{"bindings", "did you mean 'binding'"},
		{"frobnicate", "expected one of status dp binding"},
		{"binding", "expected one of show watch clear"},
		{"binding shwo", "did you mean 'show'"},
		{"status now", "'now' is one argument too many"},
		{"binding clear", "an argument is missing: dmmctl binding clear"},
		{"binding clear nonsense", "'nonsense' is no IPv6 address"},
		{"binding show --home-address=10.0.0.1", "'10.0.0.1' is no IPv6 address"},
		{"binding show --home", "needs a value"},
		{"subscriber add mn1", "--home-address is missing"},
		{"subscriber add mn1 -a 2001:db8::1,x", "'x' is no IPv6 address"},
		{"subscriber add mn1 -a 2001:db8::1 --spi 255", "from 256 to 4294967295"},
		{"subscriber add mn1 -a 2001:db8::1 --replay no", "'timestamp' or 'sequence'"},
		{"subscriber add mn1 -a 2001:db8::1 --auth no", "'required' or 'none'"},
		{"subscriber add mn1 -a 2001:db8::1 -l 3", "from 4 to 262140"},
		{"subscriber add mn1 -a 2001:db8::1 -k /nowhere/key", "No such file"},
		{"subscriber add mn1 -a 2001:db8::1 -k /dev/null", "32 hexadecimal digits"},
		{"subscriber add mn1 -a 2001:db8::1", "--spi and --key-file are needed unless"},
		{"subscriber add mn1 -a 2001:db8::1 -i 256", "--key-file is needed unless"},
		{"stats -a -o", "--openmetrics is a form of its own, without --all"},
		{"stats --json -o", "--openmetrics is a form of its own, without --json"},
		{"config check", "an argument is missing"},
		{"config check --program dmm-xx f", "expected dmm-ctrl, dmm-dp, dmm-mn or"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r = run("ipc:///nowhere/api", cases[i].words);

		if (r.rc != COMMAND_USAGE || !strstr(r.err, cases[i].says))
			fail_msg("dmmctl %s: %d '%s'", cases[i].words, r.rc, r.err);
		assert_string_equal(r.out, "");
		run_free(&r);
	}
}

static void help_and_version(void **state)
{
	(void)state;
	struct run r = run("", "--help");

	assert_int_equal(r.rc, 0);
	assert_non_null(strstr(r.out, "binding watch"));
	/* All of them to the last, and what follows. */
	assert_non_null(strstr(r.out, "config check"));
	assert_non_null(strstr(r.out, "keygen"));
	assert_non_null(strstr(r.out, "Exit codes: 0 done, 1 the request failed or was refused, "
				      "2 wrong usage.\n"));
	run_free(&r);
	r = run("", "subscriber import --help");
	assert_int_equal(r.rc, 0);
	assert_non_null(strstr(r.out, "dmmctl subscriber import [OPTION]... FILE"));
	assert_non_null(strstr(r.out, "--socket"));
	run_free(&r);
	r = run("", "binding --help");
	assert_int_equal(r.rc, 0);
	assert_non_null(strstr(r.out, "Usage: dmmctl binding COMMAND"));
	assert_non_null(strstr(r.out, "binding clear"));
	assert_null(strstr(r.out, "subscriber"));
	run_free(&r);
	r = run("", "--version");
	assert_int_equal(r.rc, 0);
	assert_string_equal(r.out, "dmmctl " DMM_VERSION "\n");
	run_free(&r);
}

static void nobody_there(void **state)
{
	(void)state;
	struct run r = run("ipc:///nowhere/at/all", "status");

	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(
		strstr(r.err, "/nowhere/at/all: No such file or directory; is it running?"));
	run_free(&r);
	r = run("bogus", "status");
	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(strstr(r.err, "'bogus' is no endpoint"));
	run_free(&r);
	r = run("ipc:///nowhere/at/all", "--json status");
	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(strstr(r.out, "\"code\":\"unreachable\""));
	run_free(&r);
}

#define STATUS                                                                                     \
	"{\"result\":{\"version\":\"0.1.0\",\"pid\":7,\"roles\":[\"lma\"],\"uptime_s\":61,"        \
	"\"home_agent_addresses\":null,"                                                           \
	"\"anchor_addresses\":[\"2001:db8:1::1\",\"2001:db8:1::2\"],"                              \
	"\"home_prefixes\":[{\"prefix\":\"2001:db8:100::/64\",\"link\":null}],"                    \
	"\"data_planes\":{\"known\":2,\"connected\":1,\"synced\":0},"                              \
	"\"store\":{\"engine\":\"e\",\"path\":\"/p\",\"ok\":false}}}"

static void status(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {{"{\"method\":\"status\"}", {STATUS}}, {0}};

	expect("status", lines, 0,
		"Version:        0.1.0\n"
		"Process:        7\n"
		"Roles:          lma\n"
		"Started:        -\n"
		"Up:             1m01s\n"
		"Epoch:          -\n"
		"Sequence:       -\n"
		"Home agent:     -\n"
		"Anchor:         2001:db8:1::1,2001:db8:1::2\n"
		"Access gateway: -\n"
		"Subscribers:    -\n"
		"Bindings:       -\n"
		"Sessions:       -\n"
		"  paths:        -\n"
		"Attachments:    -\n"
		"  paths:        -\n"
		"Data planes:    2\n"
		"  connected:    1\n"
		"  synced:       0\n"
		"Store:          /p\n"
		"  engine:       e\n"
		"  healthy:      no\n"
		"  failed:       -\n"
		"Packets shed:   -\n"
		"  last:         -\n"
		"\n"
		"HOME PREFIX        HOME LINK\n"
		"2001:db8:100::/64  -\n",
		NULL);
}

/* With --json the result is printed as it came, wherever the option stands. */
static void status_as_json(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"status\"}", {"{\"result\":{\"pid\":7,\"new_key\":[1]}}"}}, {0}};
	static const char want[] = "{\n  \"pid\": 7,\n  \"new_key\": [\n    1\n  ]\n}\n";

	expect("--json status", lines, 0, want, NULL);
	expect("status --json", lines, 0, want, NULL);
}

#define BINDING                                                                                    \
	"{\"mn_id\":\"mn1@example.net\",\"home_address\":\"2001:db8:100::10\","                    \
	"\"care_of_address\":\"2001:db8:a::9\",\"bid\":2,\"priority\":null,\"rank\":1,"            \
	"\"state\":\"active\",\"sequence\":12,"                                                    \
	"\"lifetime_s\":420,\"remaining_s\":59,\"data_plane\":\"dp1\",\"link\":null}"

static void binding_show(void **state)
{
	(void)state;
	static const struct server_exchange all[] = {
		{"{\"method\":\"binding.show\",\"params\":{}}",
			{"{\"item\":" BINDING "}", "{\"result\":{\"count\":1}}"}},
		{0}};
	static const struct server_exchange one[] = {
		{"{\"method\":\"binding.show\",\"params\":{\"home_address\":\"2001:db8::1\","
		 "\"mn_id\":\"mn1\"}}",
			{"{\"result\":{\"count\":0}}"}},
		{0}};

	expect("binding show", all, 0,
		"HOME ADDRESS      BID  CARE-OF ADDRESS  PRIORITY  RANK  MN-ID            STATE   "
		"SEQ  "
		"GRANTED  LEFT  DATA PLANE  LINK\n"
		"2001:db8:100::10    2  2001:db8:a::9    -            1  mn1@example.net  active   "
		"12  "
		"  7m00s   59s  dp1         -\n",
		NULL);
	expect("binding show -a 2001:db8::1 --mn-id=mn1 --json", one, 0,
		"{\n  \"count\": 0,\n  \"bindings\": []\n}\n", NULL);
}

/* A watch prints each change on a line, and fails when the control plane goes away. */
static void binding_watch(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"binding.watch\"}",
			{"{\"item\":{\"event\":\"moved\",\"time\":\"2026-01-31T12:00:00.250Z\","
			 "\"binding\":" BINDING "}}",
				"{\"error\":{\"code\":\"unavailable\",\"message\":\"ending\"}}"}},
		{0}};
	static const struct server_exchange hang_up[] = {
		{"{\"method\":\"binding.watch\"}", {0}}, {0}};

	expect("binding watch", hang_up, COMMAND_FAILED, "", "ended before it had answered");
	expect("binding watch", lines, COMMAND_FAILED,
		"2026-01-31T12:00:00.250Z moved        home=2001:db8:100::10 bid=2 "
		"care-of=2001:db8:a::9 "
		"mn-id=mn1@example.net lifetime=7m00s data-plane=dp1\n",
		"dmmctl: ending\n");
}

static void binding_clear(void **state)
{
	(void)state;
	static const struct server_exchange done[] = {
		{"{\"method\":\"binding.clear\",\"params\":{\"home_address\":\"2001:db8::1\"}}",
			{"{\"result\":{\"home_address\":\"2001:db8::1\"}}"}},
		{0}};
	static const struct server_exchange none[] = {
		{"{\"method\":\"binding.clear\",\"params\":{\"home_address\":\"2001:db8::1\"}}",
			{"{\"error\":{\"code\":\"not-found\",\"message\":\"no binding of "
			 "2001:db8::1\"}}"}},
		{0}};

	expect("binding clear 2001:db8::1", done, 0, "cleared 2001:db8::1\n", NULL);
	expect("binding clear 2001:db8::1", none, COMMAND_FAILED, "", "no binding of 2001:db8::1");
	expect("binding clear 2001:db8::1 --json", none, COMMAND_FAILED,
		"{\"error\":{\"code\":\"not-found\",\"message\":\"no binding of 2001:db8::1\"}}\n",
		"no binding of 2001:db8::1");
}

static void temporary_file(char name[static 64], const char *text)
{
	int fd;

	strcpy(name, "/tmp/dmmctl-test-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void subscriber_add(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"subscriber.add\",\"params\":{\"mn_id\":\"mn1@example.net\","
		 "\"home_addresses\":[\"2001:db8:100::10\",\"2001:db8:100::11\"],\"spi\":4096,"
		 "\"key\":\"00112233445566778899aabbccddeeff\",\"replay\":\"sequence\","
		 "\"auth\":\"required\",\"max_lifetime_s\":420,\"enabled\":false}}",
			{"{\"result\":{\"mn_id\":\"mn1@example.net\"}}"}},
		{0}};
	char name[64], words[512];

	temporary_file(name, "00112233445566778899aabbccddeeff\n");
	snprintf(words, sizeof(words),
		"subscriber add mn1@example.net -a 2001:db8:100::10,2001:db8:100::11 "
		"--spi=0x1000 --key-file=%s -r sequence --auth required -l 420 --disabled",
		name);
	expect(words, lines, 0, "added mn1@example.net\n", NULL);
	unlink(name);
}

static void subscriber_del_and_show(void **state)
{
	(void)state;
	static const struct server_exchange del[] = {
		{"{\"method\":\"subscriber.del\",\"params\":{\"mn_id\":\"mn1\"}}",
			{"{\"result\":{\"mn_id\":\"mn1\",\"bindings_cleared\":1}}"}},
		{0}};
	static const struct server_exchange show[] = {
		{"{\"method\":\"subscriber.show\",\"params\":{\"mn_id\":\"mn1\"}}",
			{"{\"item\":{\"mn_id\":\"mn1\",\"home_addresses\":[\"2001:db8::1\"],"
			 "\"spi\":1000,\"enabled\":true,\"bindings\":0}}",
				"{\"result\":{\"count\":1}}"}},
		{0}};

	expect("subscriber del mn1", del, 0, "deleted mn1\n", NULL);
	expect("subscriber show mn1", show, 0,
		"MN-ID  HOME ADDRESSES   SPI  AUTH  REPLAY  LIFETIME  ENABLED  BINDINGS\n"
		"mn1    2001:db8::1     1000  -     -       -         yes             0\n",
		NULL);
}

/* What dmmctl finds wrong and what dmm-ctrl finds wrong is told alike, the rest is counted. */
static void subscriber_import(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"subscriber.import\",\"params\":{\"lines\":["
		 "{\"line\":1,\"subscriber\":{\"mn_id\":\"a\"}},"
		 "{\"line\":3,\"subscriber\":{\"mn_id\":\"b\"}}]}}",
			{"{\"result\":{\"imported\":1,\"skipped\":1,\"errors\":[{\"line\":3,"
			 "\"code\":\"exists\",\"message\":\"b is there already\"}]}}"}},
		{0}};
	char name[64], words[128], says[256];

	temporary_file(name, "{\"mn_id\": \"a\"}\nnonsense\n{\"mn_id\": \"b\"}\n");
	snprintf(words, sizeof(words), "subscriber import %s", name);
	snprintf(says, sizeof(says), "%s:2: not JSON at column 8\n%s:3: b is there already\n", name,
		name);
	expect(words, lines, COMMAND_FAILED, "imported 1, skipped 2\n", says);
	snprintf(words, sizeof(words), "subscriber import %s --json", name);
	expect(words, lines, COMMAND_FAILED,
		"{\n  \"imported\": 1,\n  \"skipped\": 2,\n  \"errors\": [\n    {\n"
		"      \"line\": 2,\n      \"code\": \"syntax\",\n"
		"      \"message\": \"not JSON at column 8\"\n    },\n    {\n"
		"      \"line\": 3,\n      \"code\": \"exists\",\n"
		"      \"message\": \"b is there already\"\n    }\n  ]\n}\n",
		NULL);
	unlink(name);
}

static void subscriber_import_of_nothing(void **state)
{
	(void)state;
	char name[64], words[128];
	struct run r = run("ipc:///nowhere/api", "subscriber import /nowhere/file");

	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(strstr(r.err, "/nowhere/file: No such file or directory"));
	run_free(&r);
	temporary_file(name, "\n");
	snprintf(words, sizeof(words), "subscriber import %s", name);
	r = run("ipc:///nowhere/api", words);
	assert_int_equal(r.rc, 0);
	assert_string_equal(r.out, "imported 0, skipped 0\n");
	run_free(&r);
	unlink(name);
}

static void stats(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"stats\"}",
			{"{\"result\":{\"control\":{\"counters\":{\"bu\":3,\"none\":0}},"
			 "\"data_planes\":[{\"name\":\"dp1\",\"answered\":true,"
			 "\"counters\":{},\"drops\":{\"no_route\":2,\"other\":0},"
			 "\"nodes\":[{\"name\":\"encap\",\"calls\":2,\"packets\":64,\"cycles\":640,"
			 "\"cycles_per_packet\":10.0},{\"name\":\"idle\",\"calls\":0,\"packets\":0,"
			 "\"cycles\":0,\"cycles_per_packet\":null}],"
			 "\"ports\":[],\"tables\":[{\"name\":\"paths\",\"entries\":1,"
			 "\"capacity\":1000,\"octets\":2048}]},"
			 "{\"name\":\"dp2\",\"answered\":false}]}}"}},
		{0}};

	expect("stats", lines, 0,
		"Control plane\n\n"
		"COUNTER  VALUE\n"
		"bu           3\n"
		"\nData plane dp1\n"
		"\nDROPPED BECAUSE  PACKETS\n"
		"no_route               2\n"
		"\nNODE   CALLS  PACKETS  CYCLES  CYCLES/PACKET\n"
		"encap      2       64     640           10.0\n"
		"\nTABLE  ENTRIES  CAPACITY  MEMORY\n"
		"paths        1      1000    2.0K\n"
		"\nData plane dp2: did not answer\n",
		NULL);
}

static void dp_and_path_show(void **state)
{
	(void)state;
	static const struct server_exchange dp[] = {
		{"{\"method\":\"dp.show\"}",
			{"{\"item\":{\"name\":\"dp1\",\"state\":\"synced\",\"lag\":0}}",
				"{\"result\":{\"count\":1}}"}},
		{0}};
	static const struct server_exchange audit[] = {
		{"{\"method\":\"dp.audit\",\"params\":{\"name\":\"dp1\"}}",
			{"{\"item\":{\"name\":\"dp1\",\"result\":\"differs\",\"sequence\":7,"
			 "\"healing\":true}}",
				"{\"result\":{\"count\":1}}"}},
		{0}};
	static const struct server_exchange path[] = {
		{"{\"method\":\"path.show\"}", {"{\"result\":{\"count\":0}}"}}, {0}};

	expect("dp show --json", dp, 0,
		"{\n  \"count\": 1,\n  \"data_planes\": [\n    {\n      \"name\": \"dp1\",\n"
		"      \"state\": \"synced\",\n      \"lag\": 0\n    }\n  ]\n}\n",
		NULL);
	expect("dp audit dp1", audit, 0,
		"NAME  RESULT   SEQUENCE  HEALING\n"
		"dp1   differs         7  yes\n",
		NULL);
	expect("path show", path, 0, "PATH  KIND  LOCAL  REMOTE  MTU  DATA PLANE  USERS  MN-ID\n",
		NULL);
}

static void path_weight(void **state)
{
	static const struct server_exchange set[] = {
		{"{\"method\":\"path.weight\",\"params\":{\"label\":9,\"weight\":3}}",
			{"{\"result\":{\"label\":9,\"weight\":3,\"was\":1}}"}},
		{0}};
	static const struct server_exchange nothing[] = {{0}};

	(void)state;
	expect("path weight 9 3", set, 0, "Label:  9\nWeight: 3\nWas:    1\n", NULL);
	expect("path weight 256 3", nothing, 2, "",
		"'256' is no label: expected a number from 0 to 255");
	expect("path weight 9 many", nothing, 2, "",
		"'many' is no weight: expected a number from 0 to 255");
	expect("path weight 9", nothing, 2, "", "LABEL WEIGHT");
}

static void events(void **state)
{
	(void)state;
	static const struct server_exchange lines[] = {
		{"{\"method\":\"events\",\"params\":{\"follow\":false}}",
			{"{\"item\":{\"time\":\"T\",\"severity\":\"warning\",\"source\":\"dp1\","
			 "\"event\":\"wrong-source\",\"message\":\"a\\u001bb\"}}",
				"{\"result\":{\"count\":1}}"}},
		{0}};
	static const struct server_exchange follow[] = {
		{"{\"method\":\"events\",\"params\":{\"follow\":true}}",
			{"{\"item\":{\"event\":\"x\"}}", "{\"item\":{\"event\":\"y\"}}",
				"{\"error\":{\"code\":\"unavailable\",\"message\":\"ending\"}}"}},
		{0}};

	expect("events", lines, 0, "T warning dp1 wrong-source: a?b\n", NULL);
	expect("events --follow --json", follow, COMMAND_FAILED,
		"{\"event\":\"x\"}\n{\"event\":\"y\"}\n"
		"{\"error\":{\"code\":\"unavailable\",\"message\":\"ending\"}}\n",
		"ending");
}

/* A server that breaks the rules is found out, not believed. */
static void bad_replies(void **state)
{
	(void)state;
	static const char *const replies[] = {
		"nonsense", "[]", "{}", "{\"item\":{}}", "{\"error\":7}"};
	static const char *const says[] = {"not JSON", "not what was asked", "not what was asked",
		"not what was asked", "gave no reason"};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		const struct server_exchange lines[] = {
			{"{\"method\":\"status\"}", {replies[i]}}, {0}};

		expect("status", lines, COMMAND_FAILED, "", says[i]);
	}
}

/* Connected, but no answer: --timeout ends the wait. */
static void no_answer(void **state)
{
	(void)state;
	const struct zsock_options options = {.type = ZMQ_ROUTER};
	char folder[] = "/tmp/dmmctl-test-XXXXXX", endpoint[64], path[64];
	struct zsock socket;
	struct run r;

	assert_non_null(mkdtemp(folder));
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/api", folder);
	assert_int_equal(zsock_bind(&socket, &options, endpoint), 0);
	r = run(endpoint, "--timeout 4 status");
	zsock_close(&socket);
	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(strstr(r.err, "did not answer within 4.0 s"));
	run_free(&r);
	snprintf(path, sizeof(path), "%s/api.lock", folder);
	unlink(path);
	rmdir(folder);
}

static void config_check_finds_the_program(void **state)
{
	(void)state;
	char name[64], words[128], says[128];
	struct run r = run("", "config check /nowhere/file.cfg");

	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(
		strstr(r.err, "/nowhere/file.cfg: cannot be read: No such file or directory"));
	run_free(&r);

	temporary_file(name, "name = \"x\";\nthis is = not right\n");
	snprintf(words, sizeof(words), "config check %s", name);
	snprintf(says, sizeof(says), "%s:2: syntax error", name);
	r = run("", words);
	assert_int_equal(r.rc, COMMAND_FAILED);
	if (!strstr(r.err, says))
		fail_msg("%s", r.err);
	run_free(&r);
	unlink(name);

	temporary_file(name, "frob = \"x\";\n");
	snprintf(words, sizeof(words), "config check %s", name);
	r = run("", words);
	assert_int_equal(r.rc, COMMAND_FAILED);
	assert_non_null(strstr(r.err, "say whose it is with --program"));
	run_free(&r);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(help_and_version),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(status),
		cmocka_unit_test(status_as_json),
		cmocka_unit_test(binding_show),
		cmocka_unit_test(binding_watch),
		cmocka_unit_test(binding_clear),
		cmocka_unit_test(subscriber_add),
		cmocka_unit_test(subscriber_del_and_show),
		cmocka_unit_test(subscriber_import),
		cmocka_unit_test(subscriber_import_of_nothing),
		cmocka_unit_test(stats),
		cmocka_unit_test(dp_and_path_show),
		cmocka_unit_test(path_weight),
		cmocka_unit_test(events),
		cmocka_unit_test(bad_replies),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(config_check_finds_the_program),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	zsock_context_end();
	return rc;
}
