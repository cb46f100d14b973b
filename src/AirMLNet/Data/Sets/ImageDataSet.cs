namespace AirMLNet.Data;

/// <summary>An image file and its class.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="Class">Index of the class, or −1 where it is not known.</param>
internal sealed record LabelledImage(string Path, int Class);

/// <summary>The images of a data set, by part, and its classes.</summary>
internal sealed record ImageDataSet
{
    /// <exception cref="InvalidDataException">
    /// Fewer than two classes, one of them without a name or twice, a part without images, or a label out of range.
    /// </exception>
    internal ImageDataSet(
        string name,
        string source,
        IReadOnlyList<string> classNames,
        IReadOnlyList<LabelledImage> train,
        IReadOnlyList<LabelledImage> test
    )
    {
        (Name, ClassNames, Train, Test) = (name, classNames, train, test);
        try
        {
            Data.ClassNames.Check(classNames, source);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
        foreach ((var part, var images) in new[] { ("training", train), ("test", test) })
        {
            if (images.Count == 0)
            {
                throw new InvalidDataException($"{source}: no {part} images.");
            }

            if (images.FirstOrDefault(i => i.Class >= classNames.Count || i.Class < -1) is { } wrong)
            {
                throw new InvalidDataException(
                    $"{source}: {wrong.Path} has label {wrong.Class}; "
                        + $"expected 0..{classNames.Count - 1}, for there are {classNames.Count} class names."
                );
            }
        }
    }

    /// <summary>Name of the data set, such as <c>EuroSAT</c>.</summary>
    public string Name { get; }

    /// <summary>C names, underscores read as spaces.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The pool to adapt to. Methods without labels must not look at its classes.</summary>
    public IReadOnlyList<LabelledImage> Train { get; }

    /// <summary>The images to score on.</summary>
    public IReadOnlyList<LabelledImage> Test { get; }
}

/// <summary>Which images of a data set form the training pool where that can be asked.</summary>
internal enum TrainingPool
{
    /// <summary>No test image is in it.</summary>
    Strict,

    /// <summary>
    /// EuroSAT as GRIP's and CPL's code reads it: everything in the class folders, test images included (<c>docs/methods.md</c> §3.1). For
    /// comparison with published figures only.
    /// </summary>
    Paper,
}

/// <summary>How a data set is read.</summary>
internal sealed record DataSetOptions
{
    /// <summary>The training pool of EuroSAT in the layout of GRIP and CPL; other data sets are always strict.</summary>
    public TrainingPool Pool { get; init; } = TrainingPool.Strict;

    /// <summary>Puts the validation images into the training pool, as the methods do; otherwise they are left out.</summary>
    public bool ValidationInPool { get; init; } = true;
}
