/*
 * Whose frame a data plane died at, as its report tells (dp/watchdog.c).
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

/*
 * The frame's destination and source, as they stood there: one of them is the mark of
 * whose port it was. false: it died at no frame, or that cannot be told: of several
 * workers' it is the one's whose thread died, or who hung. A worker that is in somebody's
 * hands may write what it likes there: it is believed no more than its verdicts.
 */
bool blame_read(const char *report, struct mac ret[2]);
