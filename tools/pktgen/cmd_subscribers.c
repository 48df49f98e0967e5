#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/pktgen/command.h"
#include "tools/pktgen/population.h"

static int fail(const char *what, int err)
{
	fprintf(stderr, "dmm-pktgen: %s: %s\n", what, strerror(err));
	return COMMAND_FAILED;
}

/* There are keys in it: nobody else may read it. */
static FILE *open_output(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	FILE *file = NULL;

	if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0)
		file = fdopen(fd, "w");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

static int write_line(FILE *to, const struct population *p, struct hmac *hmac, uint32_t node)
{
	char mn_id[POPULATION_MN_ID_MAX], digits[2 * POPULATION_KEY_SIZE + 1];
	const struct in6_addr home = population_home(p, node);
	uint8_t key[POPULATION_KEY_SIZE];
	int rc = population_key(p, hmac, node, key);

	population_mn_id(p, node, mn_id);
	for (size_t i = 0; i < sizeof(key); i++)
		snprintf(digits + 2 * i, 3, "%02x", key[i]);
	if (rc == 0 && fprintf(to,
			       "{\"mn_id\": \"%s\", \"home_addresses\": [\"%s\"], \"spi\": %u, "
			       "\"key\": \"%s\"}\n",
			       mn_id, ADDR_TEXT(&home), p->spi, digits) < 0)
		rc = -errno;
	hmac_wipe(key, sizeof(key));
	hmac_wipe(digits, sizeof(digits));
	return rc;
}

static int run(struct pktgen_config *config, const char *const *texts)
{
	const char *path = texts[COMMAND_OUTPUT];
	const struct population *p = &config->subscribers;
	struct hmac *hmac = NULL;
	FILE *to = stdout;
	int rc = 0;

	if (!p->key_seed)
		return fail("subscribers.key_seed is not in the configuration", EINVAL);
	if (path && !(to = open_output(path)))
		return fail(path, errno);
	hmac = hmac_new();
	if (!hmac)
		rc = -errno;
	for (uint32_t i = 0; rc == 0 && i < p->count && !command_stopped; i++)
		rc = write_line(to, p, hmac, i);
	hmac_free(hmac);
	if (fflush(to) && rc == 0)
		rc = -errno;
	if (path && fclose(to) && rc == 0)
		rc = -errno;
	return rc < 0 ? fail(path ? path : "standard output", -rc) : COMMAND_DONE;
}

const struct command command_subscribers = {
	.name = "subscribers",
	.summary =
		"Writes the nodes as JSON Lines for 'dmmctl subscriber import', with their keys.",
	.options = COMMAND_TAKES(COMMAND_CONFIG) | COMMAND_TAKES(COMMAND_SUBSCRIBERS) |
		   COMMAND_TAKES(COMMAND_OUTPUT),
	.run = run,
};
