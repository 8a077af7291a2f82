// One function per command; each returns the exit code (design: 0 fine, 1 other, 2 usage or config,
// 3 privilege, kernel or state, 4 unreadable input).
#pragma once

#include "app/options.h"

namespace kilnwatch::app {

int run(const Options& options);
int capture(const Options& options);
int replay(const Options& options);
int decode(const Options& options);
int doctor(const Options& options);
int baseline_list(const Options& options);
int baseline_add(const Options& options);
int baseline_forget(const Options& options);
int baseline_export(const Options& options);
int baseline_import(const Options& options);
int baseline_stats(const Options& options);

}  // namespace kilnwatch::app
