/* weir doctor: becomes the program weir-doctor (doctor_main.c). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/program.h"

int cmd_doctor(int argc, char **argv)
{
	struct out out = out_default();
	char path[PATH_MAX];
	struct err err = { 0 };

	program_ours("WEIR_DOCTOR", "cli", "weir-doctor", path);
	(void)execvp(path, argv); /* it only comes back when it failed */
	(void)err_set(&err, errno, path, "cannot be run: %s", strerror(errno));
	return out_error(&out, "doctor", &err);
}
