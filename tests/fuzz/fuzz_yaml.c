/*
 * Any bytes as YAML: what is refused says where; what is taken is written so
 * that it is read back as the same; and any place in it has a line.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "yaml/yaml.h"

#define WRITTEN_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_written(const json_t *v)
{
	char *text = yaml_text_write(v);
	struct yaml_text *y = NULL;
	struct err err = { 0 };

	/* all that was read is shallow enough to be written */
	BUG_ON(!text);
	BUG_ON(yaml_text_read(text, strlen(text), "again", &y, &err) != 0);
	BUG_ON(yaml_text_count(y) != 1);
	BUG_ON(!json_equal((json_t *)(uintptr_t)yaml_text_value(y, 0),
			   (json_t *)(uintptr_t)v));
	yaml_text_free(y);
	free(text);
}

/* The input itself as a path, too: whatever it is, it leads somewhere. */
static void check_places(const struct yaml_text *y, size_t i,
			 const uint8_t *data, size_t len)
{
	struct err err = { 0 };

	(void)err_set(&err, EINVAL, "", "x");
	yaml_text_locate(y, i, &err);
	BUG_ON(strncmp(err.at, "f:", 2) != 0);
	(void)err_set(&err, EINVAL, "", "x");
	memcpy(err.at, data, len < ERR_AT_MAX - 1 ? len : ERR_AT_MAX - 1);
	yaml_text_locate(y, i, &err);
	BUG_ON(strncmp(err.at, "f:", 2) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct yaml_text *y = NULL;
	struct err err = { 0 };

	if (yaml_text_read((const char *)data, len, "f", &y, &err) != 0) {
		BUG_ON(y || err.code == 0 || err.text[0] == '\0');
		BUG_ON(strncmp(err.at, "f:", 2) != 0);
		return 0;
	}
	for (size_t i = 0; i < yaml_text_count(y); i++) {
		/* by aliases a short text may mean much; it would take long */
		if (json_dumpb(yaml_text_value(y, i), NULL, 0,
			       JSON_ENCODE_ANY) < WRITTEN_MAX)
			check_written(yaml_text_value(y, i));
		check_places(y, i, data, len);
	}
	yaml_text_free(y);
	return 0;
}
