"""The losses that Kindred and pytorch-metric-learning both have: how each is made so that the two mean the same, and why
some do not. compare_pml.py measures them, tests/python/test_pml.py compares values and gradients."""
import math
from dataclasses import dataclass
from typing import Any, Callable, Optional

import torch
from pytorch_metric_learning import distances, losses, miners

import kindred.torch


@dataclass
class Case:
    """`ours` and `theirs` make a loss for (classes, embedding size); `weights` names their weights, which are copied from
    ours: rows [rows, D], or columns [D, rows] with `columns`."""
    name: str
    ours: Callable[[int, int], torch.nn.Module]
    theirs: Callable[[int, int], torch.nn.Module]
    miner: Optional[Callable[[], Any]] = None
    weights: str = ""
    columns: bool = True
    rows_a_class: Optional[int] = None  # where both mean the same for such batches only
    lone_rows: str = ""  # what theirs does with rows that are alone in their class, where ours leaves them out
    differs: str = ""  # the reason; then values are not compared

    def make(self, classes, depth, dtype=torch.float32):
        """(ours, theirs as a function of embeddings and labels, their weights or None)"""
        ours, theirs = self.ours(classes, depth), self.theirs(classes, depth)
        miner = self.miner() if self.miner else None
        weights = None
        if self.weights:
            weights = getattr(theirs, self.weights)
            own = ours.weights.detach()
            weights.data = (own.T if self.columns else own).to(dtype).contiguous().clone()

        def run(embeddings, labels):
            return theirs(embeddings, labels, miner(embeddings, labels)) if miner else theirs(embeddings, labels)
        return ours, run, weights

    def weight_gradients(self, ours, weights):
        """Both, as [rows, D]."""
        return ours.weights.grad, weights.grad.T if self.columns else weights.grad


CASES = [
    Case("Triplet, all", lambda c, d: kindred.torch.Triplet(mining="all", margin=0.05),
         lambda c, d: losses.TripletMarginLoss(margin=0.05)),
    Case("Triplet, hard", lambda c, d: kindred.torch.Triplet(mining="hard", margin=0.2),
         lambda c, d: losses.TripletMarginLoss(margin=0.2), miner=miners.BatchHardMiner),
    Case("Triplet, semihard", lambda c, d: kindred.torch.Triplet(mining="semihard", margin=0.2),
         lambda c, d: losses.TripletMarginLoss(margin=0.2),
         miner=lambda: miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard")),
    Case("Contrastive", lambda c, d: kindred.torch.Contrastive(), lambda c, d: losses.ContrastiveLoss()),
    Case("MultiSimilarity", lambda c, d: kindred.torch.MultiSimilarity(), lambda c, d: losses.MultiSimilarityLoss()),
    Case("MultiSimilarity, mined", lambda c, d: kindred.torch.MultiSimilarity(mining="multi_similarity", epsilon=0.1),
         lambda c, d: losses.MultiSimilarityLoss(), miner=lambda: miners.MultiSimilarityMiner(epsilon=0.1)),
    Case("Circle", lambda c, d: kindred.torch.Circle(), lambda c, d: losses.CircleLoss()),
    Case("NTXent", lambda c, d: kindred.torch.NTXent(), lambda c, d: losses.NTXentLoss()),
    Case("SupCon", lambda c, d: kindred.torch.SupCon(), lambda c, d: losses.SupConLoss()),
    Case("LiftedStructure", lambda c, d: kindred.torch.LiftedStructure(),
         lambda c, d: losses.GeneralizedLiftedStructureLoss(),
         lone_rows="reduction: a row without kin is a term of the mean, of its others alone"),
    Case("Margin", lambda c, d: kindred.torch.Margin(mining="all", learn_beta=False), lambda c, d: losses.MarginLoss(),
         differs="definition: theirs is a mean over triplets, in which a pair stands once for each pair of the other kind; "
                 "ours, as published, over pairs"),
    Case("NPairs", lambda c, d: kindred.torch.NPairs(l2=0),
         lambda c, d: losses.NPairsLoss(distance=distances.DotProductSimilarity(normalize_embeddings=False)),
         rows_a_class=2),  # of more rows theirs takes one pair a class, ours all
    Case("Histogram", lambda c, d: kindred.torch.Histogram(), lambda c, d: losses.HistogramLoss(n_bins=100),
         lone_rows="definition: pairs of two rows without kin are left out of the histogram of others"),
    Case("SmoothAP", lambda c, d: kindred.torch.SmoothAP(), lambda c, d: losses.SmoothAPLoss(), rows_a_class=4,
         differs="definition: in theirs an anchor is the first of its own neighbours, always relevant; in ours it is none"),
    Case("ArcFace", lambda c, d: kindred.torch.ArcFace(c, d, margin=math.radians(28.6)),
         lambda c, d: losses.ArcFaceLoss(c, d), weights="W"),
    Case("SubcenterArcFace", lambda c, d: kindred.torch.SubcenterArcFace(c, d, margin=math.radians(28.6)),
         lambda c, d: losses.SubCenterArcFaceLoss(num_classes=c, embedding_size=d), weights="W"),
    Case("CosFace", lambda c, d: kindred.torch.CosFace(c, d), lambda c, d: losses.CosFaceLoss(c, d), weights="W"),
    Case("SphereFace", lambda c, d: kindred.torch.SphereFace(c, d), lambda c, d: losses.SphereFaceLoss(c, d), weights="W"),
    Case("NormalizedSoftmax", lambda c, d: kindred.torch.NormalizedSoftmax(c, d),
         lambda c, d: losses.NormalizedSoftmaxLoss(c, d), weights="W"),
    Case("ProxyAnchor", lambda c, d: kindred.torch.ProxyAnchor(c, d), lambda c, d: losses.ProxyAnchorLoss(c, d),
         weights="proxies", columns=False),
    Case("ProxyNCA", lambda c, d: kindred.torch.ProxyNCA(c, d), lambda c, d: losses.ProxyNCALoss(c, d),
         weights="proxies", columns=False),
    Case("SoftTriple", lambda c, d: kindred.torch.SoftTriple(c, d, tau=0), lambda c, d: losses.SoftTripleLoss(c, d),
         weights="fc"),
]
