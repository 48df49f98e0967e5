#include "tools/mn/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"

/* The file is written back to the kernel by root: nothing but what this program changes. */
static bool setting_path_ok(const char *path)
{
	return strncmp(path, STATE_SETTINGS_FOLDER, strlen(STATE_SETTINGS_FOLDER)) == 0 &&
	       !strstr(path, "..");
}

static int read_settings(const json_t *array, struct state *state)
{
	size_t n;
	const json_t *item;
	struct json_why why;

	json_array_foreach((json_t *)array, n, item)
	{
		struct state_setting *s = &state->settings[state->setting_count];
		const char *path, *before;

		if (state->setting_count == STATE_SETTINGS_MAX)
			return -EINVAL;
		if (json_field_str(item, "path", JSON_FIELD_REQUIRED, 1, STATE_PATH_MAX, &path,
			    &why) < 0 ||
			json_field_str(item, "before", JSON_FIELD_REQUIRED, 1, STATE_VALUE_MAX,
				&before, &why) < 0 ||
			!setting_path_ok(path))
			return -EINVAL;
		strcpy(s->path, path);
		strcpy(s->before, before);
		state->setting_count++;
	}
	return 0;
}

static int parse(const json_t *root, struct state *state)
{
	const char *home = "";
	const json_t *settings = NULL;
	uint64_t sequence = 0;
	struct json_why why;

	if (json_field_bool(root, "bound", JSON_FIELD_REQUIRED, &state->bound, &why) < 0 ||
		json_field_bool(root, "routed", JSON_FIELD_REQUIRED, &state->routed, &why) < 0 ||
		json_field_uint(root, "sequence", JSON_FIELD_REQUIRED, 0, UINT16_MAX, &sequence,
			&why) < 0 ||
		json_field_str(root, "home_interface", JSON_FIELD_REQUIRED, 0, IFNAMSIZ - 1, &home,
			&why) < 0 ||
		json_field_array(root, "settings", JSON_FIELD_REQUIRED, &settings, &why) < 0) {
		LOG_WARN("state", "unreadable", "error=%s", LOG_QUOTE(why.text));
		return -EINVAL;
	}
	state->sequence = (uint16_t)sequence;
	strcpy(state->home_interface, home);
	return read_settings(settings, state);
}

int state_load(const char *path, struct state *state)
{
	json_error_t error;
	json_t *root;

	*state = (struct state){0};
	if (access(path, R_OK))
		return errno == ENOENT ? 0 : -errno;
	root = json_load_file(path, 0, &error);
	if (!root || parse(root, state)) {
		LOG_WARN("state", "ignored", "file=%s", LOG_QUOTE(path));
		*state = (struct state){0};
	} else {
		state->known = true;
	}
	json_decref(root);
	return 0;
}

static json_t *to_json(const struct state *state)
{
	json_t *root = json_object(), *settings = json_array();

	json_put_bool(root, "bound", state->bound);
	json_put_bool(root, "routed", state->routed);
	json_put_uint(root, "sequence", state->sequence);
	json_put_str(root, "home_interface", state->home_interface);
	for (int n = 0; n < state->setting_count; n++) {
		json_t *s = json_object();

		json_put_str(s, "path", state->settings[n].path);
		json_put_str(s, "before", state->settings[n].before);
		json_array_append_new(settings, s);
	}
	json_object_set_new(root, "settings", settings);
	return root;
}

int state_save(const char *path, const struct state *state)
{
	json_t *root = to_json(state);
	char *temporary;
	int ret = 0;

	if (!root || asprintf(&temporary, "%s.new", path) < 0) {
		json_decref(root);
		return -ENOMEM;
	}
	errno = 0;
	if (json_dump_file(root, temporary, JSON_INDENT(1)) || rename(temporary, path)) {
		ret = errno ? -errno : -EIO;
		unlink(temporary);
		LOG_ERROR("state", "not-saved", "file=%s error=%s", LOG_QUOTE(path),
			LOG_QUOTE(strerror(-ret)));
	}
	free(temporary);
	json_decref(root);
	return ret;
}

static int setting_read(const char *path, char value[static STATE_VALUE_MAX + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, value, STATE_VALUE_MAX);
	int ret = n < 0 ? -errno : 0;

	close(fd);
	value[n > 0 ? n : 0] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return ret;
}

static int setting_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

static bool remembered(const struct state *state, const char *path)
{
	for (int n = 0; n < state->setting_count; n++)
		if (strcmp(state->settings[n].path, path) == 0)
			return true;
	return false;
}

void state_setting_change(struct state *state, const char *path, const char *value)
{
	struct state_setting s = {0};

	if (strlen(path) > STATE_PATH_MAX || setting_read(path, s.before) ||
		strcmp(s.before, value) == 0)
		return;
	if (!remembered(state, path)) {
		if (state->setting_count == STATE_SETTINGS_MAX)
			return;
		strcpy(s.path, path);
		state->settings[state->setting_count++] = s;
	}
	int ret = setting_write(path, value);

	if (ret)
		LOG_WARN("state", "setting-failed", "path=%s error=%s", path,
			LOG_QUOTE(strerror(-ret)));
}

void state_settings_restore(struct state *state)
{
	while (state->setting_count) {
		const struct state_setting *s = &state->settings[--state->setting_count];

		setting_write(s->path, s->before);
	}
}
