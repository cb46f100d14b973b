namespace AirMLNet.Prototypes;

/// <summary>Which images of a class its prototype is made of.</summary>
public enum PrototypeRanking
{
    /// <summary>Those that a column ranks highest, or the first rows without one.</summary>
    Column,

    /// <summary>Those with the highest p(class|x) of the zero-shot classifier: AiR's representative of a class (Eq. 6).</summary>
    Probability,

    /// <summary>
    /// Those with the highest cosine to the text of their class, whatever it is to the others'. The largest probability and the largest
    /// cosine can be of different images.
    /// </summary>
    Cosine,

    /// <summary>Those with the highest cosine to the mean of their class's images, which needs no text.</summary>
    Typicality,
}
