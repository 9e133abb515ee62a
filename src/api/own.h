/* Routes that weir-api answers itself: sessions, users, tokens, its own files. */
#pragma once

#include "api/request.h"

/* Answers, or submits a job that does. */
void own_answer(struct request *r);
