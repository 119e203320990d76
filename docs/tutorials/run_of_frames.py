"""A run: answers for many frames, by several processes, and the one geometry that they share."""

import xgeom_core as xgeom

if __name__ == "__main__":
    # A file of many frames, a stack, a folder, or a template: `xgeom.locate_each("run_####.cbf", jobs=8)`.
    answers = list(xgeom.locate_each(xgeom.example_file(), jobs=2))
    for answer in answers:
        print(answer)
    print(sum(answer.ok for answer in answers), "of", len(answers), "can be relied upon")

    shared = xgeom.share_geometry([answer.prediction for answer in answers])
    print(*shared.lines(), sep="\n")
