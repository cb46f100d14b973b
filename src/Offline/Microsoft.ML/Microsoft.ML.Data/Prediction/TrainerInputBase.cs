namespace Microsoft.ML.Trainers;

/// <summary>The column that a trainer learns from.</summary>
public abstract class TrainerInputBase
{
    private protected TrainerInputBase()
    {
    }

    public string FeatureColumnName = "Features";
}

/// <summary>The columns of a trainer with labels.</summary>
public abstract class TrainerInputBaseWithLabel : TrainerInputBase
{
    private protected TrainerInputBaseWithLabel()
    {
    }

    public string LabelColumnName = "Label";
}

/// <summary>The columns of a trainer with labels and, where there are any, weights.</summary>
public abstract class TrainerInputBaseWithWeight : TrainerInputBaseWithLabel
{
    private protected TrainerInputBaseWithWeight()
    {
    }

    /// <summary>A Single per row, or null: every row counts the same.</summary>
    public string ExampleWeightColumnName;
}
