#pragma once
#include "data/import/import_plan.h"

namespace kindred {

/// The functions behind the rows of import_registry(), one pair a format: whether the sources look
/// like it, by their names (and first bytes), and what it makes of them. A plan fails with data
/// where the sources are not of that format after all.
bool detect_omniglot(const SourceFiles& files);
ImportPlan plan_omniglot(const SourceFiles& files, const ImportOptions& options);
bool detect_omniglot_oneshot(const SourceFiles& files);
ImportPlan plan_omniglot_oneshot(const SourceFiles& files, const ImportOptions& options);
bool detect_lfw(const SourceFiles& files);
ImportPlan plan_lfw(const SourceFiles& files, const ImportOptions& options);
bool detect_cub(const SourceFiles& files);
ImportPlan plan_cub(const SourceFiles& files, const ImportOptions& options);
bool detect_sop(const SourceFiles& files);
ImportPlan plan_sop(const SourceFiles& files, const ImportOptions& options);
bool detect_inshop(const SourceFiles& files);
ImportPlan plan_inshop(const SourceFiles& files, const ImportOptions& options);
bool detect_market(const SourceFiles& files);
ImportPlan plan_market(const SourceFiles& files, const ImportOptions& options);
bool detect_idx(const SourceFiles& files);
ImportPlan plan_idx(const SourceFiles& files, const ImportOptions& options);
bool detect_cifar(const SourceFiles& files);
ImportPlan plan_cifar(const SourceFiles& files, const ImportOptions& options);
bool detect_hdf5(const SourceFiles& files);
ImportPlan plan_hdf5(const SourceFiles& files, const ImportOptions& options);
bool detect_npy(const SourceFiles& files);
ImportPlan plan_npy(const SourceFiles& files, const ImportOptions& options);
bool detect_list(const SourceFiles& files);
ImportPlan plan_list(const SourceFiles& files, const ImportOptions& options);
bool detect_folder(const SourceFiles& files);
ImportPlan plan_folder(const SourceFiles& files, const ImportOptions& options);

}  // namespace kindred
