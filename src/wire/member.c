#include "wire/member.h"

const char *member_text(const json_t *obj, const char *name)
{
	const char *s = json_string_value(json_object_get(obj, name));

	return s ? s : "";
}

uint64_t member_number(const json_t *obj, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(obj, name));

	return n > 0 ? (uint64_t)n : 0;
}
