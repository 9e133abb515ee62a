#include "door/answer.h"

#include <errno.h>
#include <string.h>

#define ERRNO_LAST 133 /* EHWPOISON, the last of Linux */

/* {"code":"EINVAL","at":"...","text":"..."} */
static int refusal(const json_t *answer, struct err *reterr)
{
	const char *code = "", *at = "", *text = "refused without a reason";
	int error = EREMOTEIO;

	(void)json_unpack((json_t *)(uintptr_t)answer, "{s:{s?s, s?s, s?s}}",
			  "error", "code", &code, "at", &at, "text", &text);
	for (int e = 1; e <= ERRNO_LAST; e++)
		if (strcmp(err_code_name(e), code) == 0)
			error = e;
	return err_set(reterr, error, at, "%s", text);
}

int answer_check(const json_t *answer, uint32_t id, const char *who,
		 struct err *reterr)
{
	if (json_integer_value(json_object_get(answer, "id")) != id)
		return err_set(reterr, EPROTO, NULL,
			       "%s answered another question", who);
	if (!json_is_true(json_object_get(answer, "ok")))
		return refusal(answer, reterr);
	return 0;
}
