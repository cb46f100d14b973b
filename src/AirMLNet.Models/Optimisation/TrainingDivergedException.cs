namespace AirMLNet.Optimisation;

/// <summary>The loss became infinite or not a number.</summary>
public sealed class TrainingDivergedException(string message) : Exception(message);
