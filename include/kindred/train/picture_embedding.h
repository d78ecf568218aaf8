#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/process_group.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/picture_decoder.h"
#include "kindred/data/picture_list.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"

namespace KINDRED_API kindred {

/// What the model wants of pictures: samples of its shape, made as those it was trained on. Fails
/// with data where it was trained on vectors, or on floats.
PictureWishes wishes_of(const Model& model);

/// What is assumed, for people, where the model's data set did not say how its pictures were made:
/// "" where it did.
std::string assumption_of(const Model& model);

/// Embeddings of pictures, and what became of the others.
struct PictureEmbeddings {
  EmbeddingFile file;                   ///< rows in the order of the list
  std::vector<Index> pictures;          ///< of the list, one a row
  std::vector<std::string> unreadable;  ///< those left out, with the reason
  bool interrupted = false;             ///< the observer asked to stop: there are no rows
};

/// Embeds the pictures of a list while the next are decoded. The same bits as an import of the same
/// sources that is embedded. With `flip`, mirror images are added as Embedder::embed does.
/// `workers` are the embedder's. Fails with data where no picture can be read, or with `strict`
/// the first that cannot; as PictureList::read(). With a group its ranks embed the same list
/// together, each a run of it: all have all. A rank joins when it has made its own. Fails with
/// data, at all of them, where one has another model, level, or list of paths.
PictureEmbeddings embed_pictures(const Model& model, const Embedder& embedder,
                                 const PictureList& pictures, const Workers& workers,
                                 bool flip = false, bool strict = false,
                                 WorkObserver* observer = nullptr, ProcessGroup* group = nullptr);

}  // namespace kindred
